"""The one way the commands and the page get a model: under the settings' daily budget of tokens."""

from typing import TYPE_CHECKING

from chatbot.config import Settings
from chatbot.llm import ChatModel, open_chat_model

if TYPE_CHECKING:
    from sqlalchemy import Engine


def open_model(settings: Settings, database: "Engine | None" = None) -> ChatModel | None:
    """The model the settings name, under their daily budget if they set one; None without a model.

    The budget is kept in `database`, by default in one opened here.

    Raises:
        ChatbotError: as for `open_chat_model`, or the account of tokens cannot be opened.
    """
    model = open_chat_model(settings)
    if model is None or not settings.daily_tokens:
        return model
    from chatbot.database.budgeted import BudgetedModel
    from chatbot.storage.opening import open_database

    return BudgetedModel(model, database or open_database(settings), settings.daily_tokens)
