"""Watches an event stream with an HTTP client of Python's, and prints each event that it gets as
a line of JSON: python3 watch.py CLIENT URL

requests, httpx and urllib3 know nothing of event streams, so what they leave to a program is here:
taking lines apart, and connecting again with the last event ID.
"""
import json
import sys
import time


def requests_lines(url, headers):
    import requests
    # It has no timeout by itself. Three heartbeats without a byte are a dead connection.
    with requests.get(url, headers=headers, stream=True, timeout=(5, 45)) as response:
        response.raise_for_status()
        # Bytes: as text it would be taken for Latin-1, and cut at every separator that Unicode knows.
        yield from response.iter_lines()


def httpx_lines(url, headers):
    import httpx
    # By itself it gives up after 5 s of silence.
    with httpx.stream("GET", url, headers=headers, timeout=httpx.Timeout(5, read=45)) as response:
        response.raise_for_status()
        # Bytes: iter_lines cuts text at every separator that Unicode knows.
        yield from lines(response.iter_bytes())


def urllib3_lines(url, headers):
    import urllib3
    response = urllib3.PoolManager().request(
        "GET", url, headers=headers, preload_content=False, retries=False, timeout=urllib3.Timeout(connect=5, read=45))
    if response.status != 200:
        raise OSError(f"status {response.status}")
    yield from lines(response.stream(None))


def lines(chunks):
    rest = b""
    for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        yield from complete


def events(stream):
    """Yields what is dispatched, as section 9.2.6 of the HTML Standard has it."""
    last_id, name, data = "", "", []
    for line in stream:
        field, _, value = line.decode().partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield last_id, name, "\n".join(data)
            name, data = "", []
        elif field == "id":
            last_id = value
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)


def main(client, url):
    open_stream = {"requests": requests_lines, "httpx": httpx_lines, "urllib3": urllib3_lines}[client]
    headers = {"Accept": "text/event-stream"}
    while True:
        try:
            for last_id, name, data in events(open_stream(url, headers)):
                headers["Last-Event-ID"] = last_id
                print(json.dumps({"id": last_id, "name": name, "data": data}), flush=True)
        except Exception as error:
            print(error, file=sys.stderr)
        time.sleep(0.5)


main(*sys.argv[1:])
