use ::warp::{Filter, Rejection, Reply, body, path, post, service};
use bytes::Bytes;
use countersign_once::Once;
use countersign_tower::VerifyLayer;
use countersign_warp::{Delivery as Verified, Verify};
use http::StatusCode;
use http_body_util::Full;
use tower::Layer as _;

use crate::case::{Case, deadline, guard_of_new, guard_of_repeats, verifier, verifier_with_budget};
use crate::delivery::{Delivery, served};

const BARE_0: &[&str] = &["warp/bare/0", "core/hmac/0"];
const BARE_1024: &[&str] = &["warp/bare/1024", "core/hmac/1024"];

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "warp/bare/1024", over: &[], deliver: || served(service(bare()), Delivery::signed(1024), Full::new) },
        Case { name: "warp/bare/0", over: &[], deliver: || served(service(bare()), Delivery::signed(0), Full::new) },
        Case { name: "warp/then/0", over: BARE_0, deliver: || filtered(Verify::new(verifier()), Delivery::signed(0)) },
        Case { name: "warp/then/1024", over: BARE_1024, deliver: || filtered(Verify::new(verifier()), Delivery::signed(1024)) },
        Case { name: "warp/then/1024/rejected", over: BARE_1024, deliver: || filtered(Verify::new(verifier()), Delivery::forged()) },
        Case {
            name: "warp/then/0/deadline/off",
            over: BARE_0,
            deliver: || filtered(Verify::new(verifier()).deadline(None), Delivery::signed(0)),
        },
        Case {
            name: "warp/then/0/deadline/on",
            over: BARE_0,
            deliver: || filtered(Verify::new(verifier()).deadline(deadline()), Delivery::signed(0)),
        },
        Case {
            name: "warp/then/0/budget/on",
            over: BARE_0,
            deliver: || filtered(Verify::new(verifier_with_budget()), Delivery::signed(0)),
        },
        Case { name: "warp/then/1024/once/new", over: BARE_1024, deliver: || guarded(guard_of_new(), Delivery::signed(1024)) },
        Case { name: "warp/then/1024/once/repeated", over: BARE_1024, deliver: || guarded(guard_of_repeats(), Delivery::signed(1024)) },
        Case {
            name: "warp/layer/0",
            over: BARE_0,
            deliver: || served(VerifyLayer::new(verifier()).layer(service(bare())), Delivery::signed(0), Full::new),
        },
        Case {
            name: "warp/layer/1024",
            over: BARE_1024,
            deliver: || served(VerifyLayer::new(verifier()).layer(service(bare())), Delivery::signed(1024), Full::new),
        },
    ]
}

fn bare() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    path!("hook").and(post()).and(body::bytes()).map(|body: Bytes| {
        std::hint::black_box(body);
        StatusCode::OK
    })
}

fn filtered(verify: Verify, delivery: Delivery) -> Box<dyn FnMut()> {
    let handler = async |delivery: Verified| {
        std::hint::black_box(delivery);
        StatusCode::OK
    };
    served(service(path!("hook").and(post()).and(verify.then(handler))), delivery, Full::new)
}

fn guarded(once: Once, delivery: Delivery) -> Box<dyn FnMut()> {
    let then = Verify::new(verifier()).once(once).then(async |delivery: Verified| {
        std::hint::black_box(delivery);
        StatusCode::OK
    });
    served(service(path!("hook").and(post()).and(then)), delivery, Full::new)
}
