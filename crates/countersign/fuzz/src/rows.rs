//! The signature format of each provider, from the provider's own documentation.

use std::sync::LazyLock;
use std::time::Duration;

use countersign::providers;
use countersign::scheme::{Algorithm, Encoding, Scheme, TimestampFormat};

use crate::derived;
use crate::description::Signed::{Body, Id, Method, Text, Time, Url};
use crate::description::{self, Description, Form, Place, TimePlace};

/// A provider's constant, with the description of the provider.
pub struct Row {
    pub scheme: Scheme,
    pub description: Description,
}

/// All providers, in the order of `providers::ALL`.
pub static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let row = |scheme: &Scheme| Row { scheme: *scheme, description: describe(scheme) };
    providers::ALL.iter().map(row).collect()
});

const WEBSUB: &[(&str, Algorithm)] =
    &[("sha1", Algorithm::Sha1), ("sha256", Algorithm::Sha256), ("sha384", Algorithm::Sha384), ("sha512", Algorithm::Sha512)];

const fn hex(header: &'static str) -> Description {
    Description::hex(header)
}

const fn base64(header: &'static str) -> Description {
    Description { encoding: Encoding::Base64, ..hex(header) }
}

const fn method(header: &'static str) -> Description {
    Description { usual: Some(&[Algorithm::Sha256]), ..named(header, WEBSUB) }
}

const fn named(header: &'static str, names: &'static [(&'static str, Algorithm)]) -> Description {
    Description { names, ..hex(header) }
}

const fn sha256(header: &'static str) -> Description {
    named(header, &[("sha256", Algorithm::Sha256)])
}

const fn v1(header: &'static str) -> Description {
    Description { comma: Some(b','), ..named(header, &[("v1", Algorithm::Sha256)]) }
}

const fn seconds(place: TimePlace, tolerance: u64) -> Option<description::Time> {
    Some(description::Time { place, format: TimestampFormat::Seconds, tolerance: Duration::from_secs(tolerance) })
}

const fn milliseconds(place: TimePlace, tolerance: u64) -> Option<description::Time> {
    Some(description::Time { place, format: TimestampFormat::Milliseconds, tolerance: Duration::from_secs(tolerance) })
}

const fn rfc3339(header: &'static str, tolerance: u64) -> Option<description::Time> {
    let place = TimePlace::Header(header);
    Some(description::Time { place, format: TimestampFormat::Rfc3339, tolerance: Duration::from_secs(tolerance) })
}

/// Signs `{timestamp}.{body}`, with the timestamp in the list.
const fn stripe(header: &'static str, time: Option<description::Time>) -> Description {
    Description { signed: &[Time, Text("."), Body], time, ..v1(header) }
}

/// Signs `v0:{timestamp}:{body}`.
const fn slack(header: &'static str, time: &'static str) -> Description {
    Description {
        signed: &[Text("v0:"), Time, Text(":"), Body],
        time: seconds(TimePlace::Header(time), 300),
        ..named(header, &[("v0", Algorithm::Sha256)])
    }
}

const fn standard(id: &'static str, time: &'static str, signature: &'static str) -> Description {
    Description {
        names: &[("v1", Algorithm::Sha256)],
        equals: b',',
        comma: Some(b' '),
        signed: &[Id, Text("."), Time, Text("."), Body],
        time: seconds(TimePlace::Header(time), 300),
        id: Some(id),
        secret: Form::Base64("whsec_"),
        ..base64(signature)
    }
}

const fn webhook() -> Description {
    standard("webhook-id", "webhook-timestamp", "webhook-signature")
}

const fn svix() -> Description {
    standard("svix-id", "svix-timestamp", "svix-signature")
}

const fn token(header: &'static str) -> Description {
    Description { place: Place::Token(header), ..hex(header) }
}

/// Returns the written description of a provider, or else derives the description from the provider's computed delivery.
fn describe(scheme: &Scheme) -> Description {
    let name = scheme.name();
    let plain = match name {
        "jira" | "jira-data-center" | "bitbucket" | "bitbucket-data-center" | "confluence-data-center" => method("X-Hub-Signature"),
        "websub" => Description { key_lengths: (1, 199), usual: None, ..method("X-Hub-Signature") },
        "github" | "meta" => sha256("X-Hub-Signature-256"),
        "gitea" => hex("X-Gitea-Signature"),
        "forgejo" => hex("X-Forgejo-Signature"),
        "shopify" => base64("X-Shopify-Hmac-Sha256"),
        "linear" => hex("Linear-Signature"),
        "notion" => sha256("X-Notion-Signature"),
        "dropbox" => hex("X-Dropbox-Signature"),
        "lemon-squeezy" => hex("X-Signature"),
        "intercom" => named("X-Hub-Signature", &[("sha1", Algorithm::Sha1)]),
        "typeform" => Description { encoding: Encoding::Base64, ..sha256("Typeform-Signature") },
        "docusign" => Description { place: Place::Numbered("X-DocuSign-Signature-"), ..base64("") },
        "asana" => hex("X-Hook-Signature"),
        "pagerduty" => v1("X-PagerDuty-Signature"),
        "sentry" => hex("Sentry-Hook-Signature"),
        "vercel" => Description { hash: Algorithm::Sha1, ..hex("x-vercel-signature") },
        "heroku" => base64("Heroku-Webhook-Hmac-SHA256"),
        "circleci" => v1("circleci-signature"),
        "woocommerce" => base64("X-WC-Webhook-Signature"),
        "xero" => base64("x-xero-signature"),
        "quickbooks" => base64("intuit-signature"),
        "adyen" => Description { secret: Form::Hex, ..base64("HmacSignature") },
        "airtable" => Description { secret: Form::Base64(""), ..named("X-Airtable-Content-MAC", &[("hmac-sha256", Algorithm::Sha256)]) },
        "coinbase-commerce" => hex("X-CC-Webhook-Signature"),
        "razorpay" => hex("X-Razorpay-Signature"),
        "gitlab" => Description { key_lengths: (32, 32), ..webhook() },
        "gitlab-token" => token("X-Gitlab-Token"),
        "okta-token" => token("Authorization"),
        "stripe" => stripe("Stripe-Signature", seconds(TimePlace::Item("t"), 300)),
        "slack" => slack("X-Slack-Signature", "X-Slack-Request-Timestamp"),
        "standard-webhooks" => Description { key_lengths: (24, 64), ..webhook() },
        "svix" | "clerk" | "resend" => svix(),
        "openai" | "anthropic" => webhook(),
        "zoom" => slack("x-zm-signature", "x-zm-request-timestamp"),
        "twitch" => Description {
            signed: &[Id, Time, Body],
            id: Some("Twitch-Eventsub-Message-Id"),
            time: rfc3339("Twitch-Eventsub-Message-Timestamp", 600),
            key_lengths: (10, 100),
            ..sha256("Twitch-Eventsub-Message-Signature")
        },
        "box" => Description {
            place: Place::Headers(&["BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY"]),
            signed: &[Body, Time],
            time: rfc3339("BOX-DELIVERY-TIMESTAMP", 600),
            ..base64("")
        },
        "square" => Description { signed: &[Url, Body], ..base64("x-square-hmacsha256-signature") },
        "paddle" => Description {
            names: &[("h1", Algorithm::Sha256)],
            comma: Some(b';'),
            signed: &[Time, Text(":"), Body],
            time: seconds(TimePlace::Item("ts"), 5),
            ..hex("Paddle-Signature")
        },
        "hubspot-v3" => Description {
            signed: &[Method, Url, Body, Time],
            time: milliseconds(TimePlace::Header("X-HubSpot-Request-Timestamp"), 300),
            ..base64("X-HubSpot-Signature-v3")
        },
        "zendesk" => Description {
            signed: &[Time, Body],
            time: rfc3339("X-Zendesk-Webhook-Signature-Timestamp", 300),
            ..base64("X-Zendesk-Webhook-Signature")
        },
        "calendly" => stripe("Calendly-Webhook-Signature", seconds(TimePlace::Item("t"), 180)),
        "trello" => Description { hash: Algorithm::Sha1, signed: &[Body, Url], ..base64("X-Trello-Webhook") },
        "sanity" => {
            Description { encoding: Encoding::Base64Url, ..stripe("sanity-webhook-signature", milliseconds(TimePlace::Item("t"), 300)) }
        }
        "workos" => stripe("WorkOS-Signature", milliseconds(TimePlace::Item("t"), 180)),
        _ => return derived::describe(scheme),
    };
    let (unsigned_id, unsigned_event) = unsigned(name);
    Description { unsigned_id, unsigned_event, ..plain }
}

/// Returns the unsigned headers with the id and with the event of a delivery.
fn unsigned(name: &str) -> (Option<&'static str>, Option<&'static str>) {
    match name {
        "jira" => (Some("X-Atlassian-Webhook-Identifier"), None),
        "bitbucket" => (Some("X-Request-UUID"), Some("X-Event-Key")),
        "bitbucket-data-center" => (Some("X-Request-Id"), Some("X-Event-Key")),
        "github" => (Some("X-GitHub-Delivery"), Some("X-GitHub-Event")),
        "gitea" => (Some("X-Gitea-Delivery"), Some("X-Gitea-Event")),
        "forgejo" => (Some("X-Forgejo-Delivery"), Some("X-Forgejo-Event")),
        "shopify" => (Some("X-Shopify-Webhook-Id"), Some("X-Shopify-Topic")),
        "linear" => (Some("Linear-Delivery"), Some("Linear-Event")),
        "lemon-squeezy" => (None, Some("X-Event-Name")),
        "pagerduty" => (Some("X-Webhook-Id"), None),
        "sentry" => (Some("Request-ID"), Some("Sentry-Hook-Resource")),
        "circleci" => (None, Some("circleci-event-type")),
        "woocommerce" => (Some("X-WC-Webhook-Delivery-ID"), Some("X-WC-Webhook-Topic")),
        "razorpay" => (Some("X-Razorpay-Event-Id"), None),
        "gitlab" => (None, Some("X-Gitlab-Event")),
        "gitlab-token" => (Some("Idempotency-Key"), Some("X-Gitlab-Event")),
        "twitch" => (None, Some("Twitch-Eventsub-Subscription-Type")),
        "box" => (Some("BOX-DELIVERY-ID"), None),
        "zendesk" => (Some("X-Zendesk-Webhook-Invocation-Id"), None),
        "sanity" => (Some("idempotency-key"), None),
        _ => (None, None),
    }
}
