"""What every part of the page takes, and the links in a text that are the page's own actions."""

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr
from gradio.i18n import I18nData
from sqlalchemy import Engine

from chatbot.bot import Chatbot
from chatbot.retrieval.models import Language
from chatbot.ui.language import language_of_visitor

# A link whose target is `#VERB/REST` is no place to go but something to do. And gradio labels each
# message with its source, tags and all, which a screen reader then reads instead of the message.
_ON_LOAD = """
const verbs = ['source', 'ask', 'paper', 'compare', 'unfilter', 'copy', 'close', 'chat'];
document.addEventListener('click', event => {
  const link = event.target.closest('a[href^="#"]');
  const [verb, ...rest] = link ? link.getAttribute('href').slice(1).split('/') : [];
  if (!verbs.includes(verb)) return;
  event.preventDefault();
  trigger(verb, {value: decodeURIComponent(rest.join('/'))});
});
const unlabelled = () => document.querySelectorAll('#chat [data-testid][aria-label]')
  .forEach(message => message.removeAttribute('aria-label'));
new MutationObserver(unlabelled).observe(document.body, {
  childList: true, subtree: true, attributes: true, attributeFilter: ['aria-label'],
});
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a part of the page is built with.

    `text` gives a text that follows the visitor's language, by ``PART_FIELD`` of `wording`.
    `actions` has an event for each verb of the page's own links: a handler that takes
    ``event: gr.EventData`` reads the rest of the link from ``event.value``.
    """

    bot: Chatbot
    database: Engine
    text: Callable[[str], I18nData]
    actions: gr.HTML


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
    return request.username or "local"
