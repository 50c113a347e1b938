"""What every part of the page takes, and the links in a text that are the page's own actions."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr
from gradio.i18n import I18nData
from sqlalchemy import Engine

from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError
from chatbot.retrieval.models import Language
from chatbot.ui.admission import Admit
from chatbot.ui.generation import PerGeneration
from chatbot.ui.language import language_of_visitor
from chatbot.ui.runs import Showing
from chatbot.users import NOBODY

_P = ParamSpec("_P")
_R = TypeVar("_R")
# What every event of the page has.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Without a secure address a browser has no `navigator.clipboard`.
COPY = """text => {
  if (!text) return;
  const copied = () => navigator.clipboard.writeText(text);
  const byHand = () => {
    const area = document.body.appendChild(document.createElement('textarea'));
    area.value = text; area.select(); document.execCommand('copy'); area.remove();
  };
  navigator.clipboard ? copied().catch(byHand) : byHand();
}"""
# And of a link: of clicks on further ones while the first is followed the last counts, not none.
LINK: dict[str, Any] = {**QUIET, "trigger_mode": "always_last"}
# A link whose target is `#VERB/REST` is no place to go but something to do. And gradio labels each
# message with its source, tags and all, which a screen reader then reads instead of the message;
# what it lets be edited is that source too.
_ON_LOAD = """
const verbs = ['source', 'ask', 'paper', 'compare', 'unfilter', 'copy', 'close', 'chat'];
document.addEventListener('click', event => {
  const link = event.target.closest('a[href^="#"]');
  const [verb, ...rest] = link ? link.getAttribute('href').slice(1).split('/') : [];
  if (!verbs.includes(verb)) return;
  event.preventDefault();
  let value = rest.join('/');
  try { value = decodeURIComponent(value); } catch (error) { /* no escape: taken as written */ }
  trigger(verb, {value});
});
const unlabelled = () => document.querySelectorAll('#chat [data-testid][aria-label]')
  .forEach(message => message.removeAttribute('aria-label'));
const plain = () => document.querySelectorAll('#chat .user-row textarea:not([data-plain])')
  .forEach(box => {
    box.dataset.plain = '';
    box.value = new DOMParser().parseFromString(box.value.replace(/</g, '&lt;'), 'text/html')
      .documentElement.textContent;
    box.dispatchEvent(new Event('input', {bubbles: true}));
  });
new MutationObserver(() => { unlabelled(); plain(); }).observe(document.body, {
  childList: true, subtree: true, attributes: true, attributeFilter: ['aria-label'],
});
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a part of the page is built with.

    `text` gives a text that follows the visitor's language, by ``PART_FIELD`` of `wording`;
    `paper_choices` what each paper is picked by, with its id.
    `actions` has an event for each verb of the page's own links: a handler that takes
    ``event: gr.EventData`` reads the rest of the link from ``event.value``. `admit` counts a
    visitor's question, or raises where they ask too fast. `answers_at_once` are answered side by
    side; further ones wait. `showing` is which conversation each open page shows.
    """

    bot: Chatbot
    database: Engine
    paper_choices: PerGeneration[list[tuple[str, str]]]
    text: Callable[[str], I18nData]
    actions: gr.HTML
    admit: Admit
    answers_at_once: int
    showing: Showing


def action_links() -> gr.HTML:
    """The component that turns clicks on ``[label](#VERB/REST)`` into its events.

    The verbs and their rests: ``source/TURN/N``, ``ask/PAPER``, ``paper/PAPER``,
    ``compare/PAPER,PAPER``, ``unfilter/KIND/VALUE``, ``copy/TURN``, ``close/PANEL``, ``chat/ID``.
    """
    return gr.HTML("", js_on_load=_ON_LOAD, elem_id="actions", visible="hidden")


def visitor_language(request: gr.Request) -> Language:
    """The language of whoever sent a request."""
    return language_of_visitor(dict(request.headers))


def owner_of(request: gr.Request) -> str:
    """Whose conversations and opinions these are; without a sign-in there is one owner."""
    return request.username or NOBODY


def told(handler: Callable[_P, _R]) -> Callable[_P, _R]:
    """An event's handler whose `ChatbotError` is told in a notice and changes nothing."""

    @functools.wraps(handler)
    def telling(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return handler(*args, **kwargs)
        except ChatbotError as error:
            gr.Warning(str(error))
            return cast(_R, gr.skip())

    return telling
