# The server, without the built-in engine. Everything is a wheel, so nothing is compiled.
FROM python:3.11-slim AS packages
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r /tmp/requirements.txt

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin captions \
 && install --directory --owner captions --group captions /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py ./
COPY captions captions
COPY templates templates
COPY static static
RUN /venv/bin/python -m compileall -q captions
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CAPTIONS_DATA_DIR=/data
USER captions
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000"]
