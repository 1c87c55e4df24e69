#!/usr/bin/env python3
"""Writes computed.json: deliveries computed from the documentation of each provider, without any code of the crates.

These deliveries are the only values for providers without a published value, and a second opinion on the other providers. A row holds the
name of the scheme, the headers, the signed text, and optionally the form of the secret and the algorithm. Placeholders are possible:

- in headers and in the signed text: {body}, {id}, {url}, {method}, {s}, {ms} and {rfc} (the time in seconds, milliseconds, RFC 3339)
- only in headers: {hex}, {base64} and {base64url} (the MAC), {secret}

    python3 tests/computed.py > tests/computed.json
"""

import base64
import datetime
import hashlib
import hmac
import json
import re

NOW = 1_764_000_000
VALUES = {
    "body": '{"event":"Zoë \\u00e9","n":1}\n',
    "id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
    "s": str(NOW),
    "ms": str(NOW * 1000 + 7),
    "rfc": datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000000007Z"),
    "url": "https://hooks.example.com/in?a=b",
    "method": "POST",
}
KEY = bytes(range(100, 132))
# A sender may add these texts. No verdict depends on these texts.
WRONG_BASE64 = base64.b64encode(bytes(32)).decode()
WRONG_V1 = "v1=" + "0" * 64
IGNORED = [WRONG_BASE64, WRONG_V1, "v0=legacy", "v2=future"]
TEXT = ("a secret of thirty-three letters.", lambda text: text.encode())
HEX = (KEY.hex().upper(), lambda text: KEY)
BASE64 = (base64.b64encode(KEY).decode(), lambda text: KEY)
WHSEC = ("whsec_" + base64.b64encode(KEY).decode(), lambda text: KEY)


def standard(name, prefix):
    headers = {f"{prefix}-id": "{id}", f"{prefix}-timestamp": "{s}", f"{prefix}-signature": "v1,{base64}"}
    return (name, headers, "{id}.{s}.{body}", WHSEC)


ROWS = [
    ("jira", {"X-Hub-Signature": "sha256={hex}"}, "{body}"),
    ("jira-data-center", {"X-Hub-Signature": "sha256={hex}"}, "{body}"),
    ("bitbucket", {"X-Hub-Signature": "sha256={hex}"}, "{body}"),
    ("bitbucket-data-center", {"X-Hub-Signature": "sha256={hex}"}, "{body}"),
    ("confluence-data-center", {"X-Hub-Signature": "sha256={hex}"}, "{body}"),
    ("websub", {"X-Hub-Signature": "sha256={hex}"}, "{body}"),
    ("websub", {"X-Hub-Signature": "sha384={hex}"}, "{body}", TEXT, "sha384"),
    ("websub", {"X-Hub-Signature": "sha512={hex}"}, "{body}", TEXT, "sha512"),
    ("github", {"X-Hub-Signature-256": "sha256={hex}"}, "{body}"),
    ("gitea", {"X-Gitea-Signature": "{hex}"}, "{body}"),
    ("forgejo", {"X-Forgejo-Signature": "{hex}"}, "{body}"),
    ("meta", {"X-Hub-Signature-256": "sha256={hex}"}, "{body}"),
    ("shopify", {"X-Shopify-Hmac-Sha256": "{base64}"}, "{body}"),
    ("linear", {"Linear-Signature": "{hex}"}, "{body}"),
    ("notion", {"X-Notion-Signature": "sha256={hex}"}, "{body}"),
    ("dropbox", {"X-Dropbox-Signature": "{hex}"}, "{body}"),
    ("lemon-squeezy", {"X-Signature": "{hex}"}, "{body}"),
    ("intercom", {"X-Hub-Signature": "sha1={hex}"}, "{body}", TEXT, "sha1"),
    ("typeform", {"Typeform-Signature": "sha256={base64}"}, "{body}"),
    ("docusign", {"X-DocuSign-Signature-1": "{base64}"}, "{body}"),
    ("docusign", {"X-DocuSign-Signature-1": WRONG_BASE64, "X-DocuSign-Signature-2": "{base64}"}, "{body}"),
    ("asana", {"X-Hook-Signature": "{hex}"}, "{body}"),
    ("pagerduty", {"X-PagerDuty-Signature": "v1={hex}"}, "{body}"),
    ("pagerduty", {"X-PagerDuty-Signature": WRONG_V1 + ",v1={hex}"}, "{body}"),
    ("sentry", {"Sentry-Hook-Signature": "{hex}"}, "{body}"),
    ("vercel", {"x-vercel-signature": "{hex}"}, "{body}", TEXT, "sha1"),
    ("heroku", {"Heroku-Webhook-Hmac-SHA256": "{base64}"}, "{body}"),
    ("circleci", {"circleci-signature": "v1={hex},v2=future"}, "{body}"),
    ("woocommerce", {"X-WC-Webhook-Signature": "{base64}"}, "{body}"),
    ("xero", {"x-xero-signature": "{base64}"}, "{body}"),
    ("quickbooks", {"intuit-signature": "{base64}"}, "{body}"),
    ("adyen", {"HmacSignature": "{base64}"}, "{body}", HEX),
    ("airtable", {"X-Airtable-Content-MAC": "hmac-sha256={hex}"}, "{body}", BASE64),
    ("coinbase-commerce", {"X-CC-Webhook-Signature": "{hex}"}, "{body}"),
    ("razorpay", {"X-Razorpay-Signature": "{hex}"}, "{body}"),
    standard("gitlab", "webhook"),
    ("gitlab-token", {"X-Gitlab-Token": "{secret}"}, "{body}"),
    ("okta-token", {"Authorization": "{secret}"}, "{body}"),
    ("stripe", {"Stripe-Signature": "t={s},v1={hex},v0=legacy"}, "{s}.{body}"),
    ("slack", {"X-Slack-Request-Timestamp": "{s}", "X-Slack-Signature": "v0={hex}"}, "v0:{s}:{body}"),
    standard("standard-webhooks", "webhook"),
    standard("svix", "svix"),
    standard("clerk", "svix"),
    standard("resend", "svix"),
    standard("openai", "webhook"),
    standard("anthropic", "webhook"),
    ("zoom", {"x-zm-request-timestamp": "{s}", "x-zm-signature": "v0={hex}"}, "v0:{s}:{body}"),
    ("twitch", {"Twitch-Eventsub-Message-Id": "{id}", "Twitch-Eventsub-Message-Timestamp": "{rfc}",
                "Twitch-Eventsub-Message-Signature": "sha256={hex}"}, "{id}{rfc}{body}"),
    ("box", {"BOX-DELIVERY-TIMESTAMP": "{rfc}", "BOX-SIGNATURE-PRIMARY": "{base64}"}, "{body}{rfc}"),
    ("box", {"BOX-DELIVERY-TIMESTAMP": "{rfc}", "BOX-SIGNATURE-PRIMARY": WRONG_BASE64,
             "BOX-SIGNATURE-SECONDARY": "{base64}"}, "{body}{rfc}"),
    ("square", {"x-square-hmacsha256-signature": "{base64}"}, "{url}{body}"),
    ("paddle", {"Paddle-Signature": "ts={s};h1={hex}"}, "{s}:{body}"),
    ("hubspot-v3", {"X-HubSpot-Request-Timestamp": "{ms}", "X-HubSpot-Signature-v3": "{base64}"}, "{method}{url}{body}{ms}"),
    ("zendesk", {"X-Zendesk-Webhook-Signature-Timestamp": "{rfc}", "X-Zendesk-Webhook-Signature": "{base64}"}, "{rfc}{body}"),
    ("calendly", {"Calendly-Webhook-Signature": "t={s},v1={hex}"}, "{s}.{body}"),
    ("trello", {"X-Trello-Webhook": "{base64}"}, "{body}{url}", TEXT, "sha1"),
    ("sanity", {"sanity-webhook-signature": "t={ms},v1={base64url}"}, "{ms}.{body}"),
    ("workos", {"WorkOS-Signature": "t={ms}, v1={hex}"}, "{ms}.{body}"),
]


def fill(template, values):
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    return template


def encode(mac, secret):
    return {
        "hex": mac.hex(),
        "base64": base64.b64encode(mac).decode(),
        "base64url": base64.urlsafe_b64encode(mac).decode().rstrip("="),
        "secret": secret,
    }


def vector(scheme, headers, signed, key=TEXT, algorithm="sha256"):
    secret, decode = key
    # The body comes last, because the body contains braces.
    order = {name: VALUES[name] for name in VALUES if name != "body"} | {"body": VALUES["body"]}

    def tags(algorithm):
        return encode(hmac.new(decode(secret), fill(signed, order).encode(), getattr(hashlib, algorithm)).digest(), secret)

    made = {"scheme": scheme, "source": f"computed: {algorithm} over {signed}", "secret": secret, "body": VALUES["body"]}
    made["headers"] = [[name, fill(value, VALUES | tags(algorithm))] for name, value in headers.items()]
    text = signed + " ".join(headers.values())
    if any(time in text for time in ("{s}", "{ms}", "{rfc}")):
        made["now"] = NOW
    ignored = [text for text in IGNORED if any(text in value for value in headers.values())]
    if ignored:
        made["ignored"] = ignored
    if "{url}" in signed:
        made["url"] = VALUES["url"]
    # The tests try to pass off the MAC of another algorithm.
    value = next(v for v in headers.values() if "{hex}" in v or "{base" in v or "{secret}" in v)
    found = re.search(r"(?:([a-z0-9-]+)([=,]))?\{(hex|base64|base64url)\}", value)
    if found:
        name, separator, encoding = found.groups()
        made["tag"] = tags(algorithm)[encoding]
        if name:
            made["name"], made["separator"] = name, separator
        made["others"] = [[other, tags(other)[encoding]] for other in ("md5", "sha1", "sha256", "sha512") if other != algorithm]
    return made


rows = ",\n ".join(json.dumps(vector(*row), ensure_ascii=False) for row in ROWS)
print(f"[\n {rows}\n]")
