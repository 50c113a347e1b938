"""The one way the commands and the page get a model: under the settings' daily budget of tokens."""

from chatbot.config import Settings
from chatbot.llm import ChatModel, open_chat_model


def open_model(settings: Settings) -> ChatModel | None:
    """The model the settings name, under their daily budget if they set one; None without a model.

    Raises:
        ChatbotError: as for `open_chat_model`, or the account of tokens cannot be opened.
    """
    model = open_chat_model(settings)
    if model is None or not settings.daily_tokens:
        return model
    from chatbot.database.budgeted import BudgetedModel
    from chatbot.database.schema import open_database

    return BudgetedModel(model, open_database(settings), settings.daily_tokens)
