# The page in an image: `docker build -t paper-chatbot .`; several with a database: compose.yaml.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/chatbot
WORKDIR /app
COPY requirements-run.lock ./
RUN /opt/chatbot/bin/pip install --no-deps --require-hashes --only-binary :all: \
    -r requirements-run.lock
COPY pyproject.toml README.md LICENSE app.py ./
COPY chatbot chatbot
COPY evals evals
COPY prompts prompts
COPY seeds seeds
# Editable: prompts and reports are looked for beside the packages.
RUN /opt/chatbot/bin/pip install --no-deps --no-build-isolation --editable .

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home chatbot && install -d -o chatbot -g chatbot /data
COPY --from=build /opt/chatbot /opt/chatbot
COPY --from=build /app /app
ENV PATH=/opt/chatbot/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CHATBOT_DATA_DIR=/data CHATBOT_LOG=json
WORKDIR /app
USER chatbot
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD \
    ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
