"""Posts a file with http.client, and prints the status or the name of the error.

http.client writes the whole request before reading the response.

Usage: client.py URL FILE
"""

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
