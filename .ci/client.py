"""Posts a file by http.client, which writes all before it reads, and prints the status or what went wrong."""

import http.client
import sys
import urllib.parse

url = urllib.parse.urlsplit(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    body = file.read()
try:
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    connection.request("POST", url.path, body)
    print(connection.getresponse().status)
except OSError as error:
    print(type(error).__name__)
