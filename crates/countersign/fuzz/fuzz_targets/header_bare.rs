//! Tags that stand alone in their header, in hex and in base64.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::heads::Heads;
use libfuzzer_sys::fuzz_target;

const PROVIDERS: &[&str] = &[
    "gitea",
    "forgejo",
    "shopify",
    "linear",
    "dropbox",
    "lemon-squeezy",
    "asana",
    "sentry",
    "vercel",
    "heroku",
    "woocommerce",
    "xero",
    "quickbooks",
    "adyen",
    "coinbase-commerce",
    "razorpay",
    "square",
    "trello",
];

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(PROVIDERS));

fuzz_target!(|input: &[u8]| {
    HEADS.judge(input);
});
