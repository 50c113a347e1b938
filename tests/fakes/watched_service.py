"""The service, with every connection it tries written into a file: `… FILE serve --port N`.

An audit hook sees each attempt before anything may swallow what came of it.
"""

import sys
from pathlib import Path


def main() -> None:
    """Run a command of the chatbot."""
    file = Path(sys.argv.pop(1))

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in {"socket.connect", "socket.getaddrinfo"}:
            where = arguments[1] if event == "socket.connect" else arguments[0]
            with file.open("a", encoding="utf-8") as lines:
                lines.write(f"{where[0] if isinstance(where, tuple) else where}\n")

    sys.addaudithook(hook)
    from chatbot.cli.commands import main as run

    run()


if __name__ == "__main__":
    main()
