use actix_web::dev::Service as _;
use actix_web::rt::System;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, Resource, web};
use bytes::Bytes;
use countersign_actix_web::{Delivery as Extracted, Verify};

use crate::case::{Case, deadline, guard_of_new, guard_of_repeats, verifier, verifier_with_budget};
use crate::delivery::Delivery;

const BARE_0: &[&str] = &["actix-web/bare/0", "core/hmac/0"];
const BARE_1024: &[&str] = &["actix-web/bare/1024", "core/hmac/1024"];

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "actix-web/bare/1024", over: &[], deliver: || served!(bare(), Delivery::signed(1024)) },
        Case { name: "actix-web/wrap/0", over: BARE_0, deliver: || wrapped(Verify::new(verifier()), Delivery::signed(0)) },
        Case { name: "actix-web/wrap/1024", over: BARE_1024, deliver: || wrapped(Verify::new(verifier()), Delivery::signed(1024)) },
        Case { name: "actix-web/wrap/1024/rejected", over: BARE_1024, deliver: || wrapped(Verify::new(verifier()), Delivery::forged()) },
        Case {
            name: "actix-web/wrap/0/deadline/off",
            over: BARE_0,
            deliver: || wrapped(Verify::new(verifier()).deadline(None), Delivery::signed(0)),
        },
        Case {
            name: "actix-web/wrap/0/deadline/on",
            over: BARE_0,
            deliver: || wrapped(Verify::new(verifier()).deadline(deadline()), Delivery::signed(0)),
        },
        Case {
            name: "actix-web/wrap/1024/once/new",
            over: BARE_1024,
            deliver: || served!(bare().wrap(Verify::new(verifier()).once(guard_of_new())), Delivery::signed(1024)),
        },
        Case {
            name: "actix-web/wrap/1024/once/repeated",
            over: BARE_1024,
            deliver: || served!(bare().wrap(Verify::new(verifier()).once(guard_of_repeats())), Delivery::signed(1024)),
        },
        Case { name: "actix-web/bare/0", over: &[], deliver: || served!(bare(), Delivery::signed(0)) },
        Case { name: "actix-web/extractor/0", over: BARE_0, deliver: || served!(extracted(), Delivery::signed(0)) },
        Case {
            name: "actix-web/wrap/0/budget/on",
            over: BARE_0,
            deliver: || wrapped(Verify::new(verifier_with_budget()), Delivery::signed(0)),
        },
    ]
}

/// Returns a closure that serves one delivery with this resource. This is a macro because the type of the service has no name.
macro_rules! served {
    ($resource:expr, $delivery:expr) => {{
        let (system, delivery) = (System::new(), $delivery);
        let service = system.block_on(init_service(App::new().service($resource)));
        Box::new(move || {
            let request = TestRequest::post().uri("/hook");
            let request =
                delivery.head.iter().fold(request, |request, (name, value)| request.insert_header((name.as_str(), value.as_bytes())));
            let response = system.block_on(service.call(request.set_payload(delivery.body.clone()).to_request())).unwrap();
            assert_eq!(response.status(), delivery.status);
        })
    }};
}
use served;

fn bare() -> Resource {
    web::resource("/hook").route(web::post().to(async |body: Bytes| {
        std::hint::black_box(body);
        HttpResponse::Ok().finish()
    }))
}

fn extracted() -> Resource {
    web::resource("/hook").app_data(Verify::new(verifier())).route(web::post().to(async |delivery: Extracted| {
        std::hint::black_box(delivery);
        HttpResponse::Ok().finish()
    }))
}

fn wrapped(verify: Verify, delivery: Delivery) -> Box<dyn FnMut()> {
    served!(bare().wrap(verify), delivery)
}
