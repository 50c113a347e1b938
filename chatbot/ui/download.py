"""A button that saves a text as a file: one click, and nothing left on the server's disk."""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.i18n import I18nData

# An address of the browser's own; it is given back when the file has surely been read.
_SAVE = """
file => {
  const [name, text] = JSON.parse(file || '["", ""]');
  if (!name) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'application/octet-stream'}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
"""
_BYTE_ORDER_MARK = "\ufeff"


def download_button(
    label: str | I18nData,
    make: Callable[..., tuple[str, str]],
    inputs: Component | Sequence[Component] | None,
    elem_id: str,
    *,
    visible: bool = True,
) -> gr.Button:
    """A button that saves what `make` gives for the inputs: a file's name, and its text.

    Where the name is empty, nothing is saved. `make` may also take ``request: gr.Request``.
    Show and hide the button and no box around it: what is hidden in a box that is shown later, is
    shown with it (gradio 6.31), and the file's text is carried in such a component.
    """
    button = gr.Button(label, elem_id=elem_id, size="sm", scale=0, min_width=120, visible=visible)
    file = gr.Textbox(visible="hidden", elem_id=f"{elem_id}-file")

    @functools.wraps(make)
    def packed(*values: Any) -> str:
        return json.dumps(make(*values))

    # Its type is not what `make` says.
    packed.__annotations__ = {**make.__annotations__, "return": str}
    packing = button.click(packed, inputs, file, show_progress="hidden", api_visibility="private")
    packing.success(None, file, None, js=_SAVE, api_visibility="private")
    return button


def spreadsheet(csv: str) -> str:
    """CSV that spreadsheets read as UTF-8: by its byte order mark (RFC 3629, section 6)."""
    return _BYTE_ORDER_MARK + csv
