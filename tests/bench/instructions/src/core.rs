use std::hint::black_box;

use countersign::Verifier;

use crate::case::{Case, Delivery, SIGNATURE, builder, verifier, verifier_with_budget};

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "core/verify/0", deliver: || verify(verifier(), &Delivery::signed(0)) },
        Case { name: "core/verify/1024", deliver: || verify(verifier(), &Delivery::signed(1024)) },
        Case { name: "core/verify/1024/rejected", deliver: || verify(verifier(), &Delivery::forged()) },
        Case { name: "core/verify/1024/rejected/hints/on", deliver: || verify(builder().hints().build().unwrap(), &Delivery::forged()) },
        Case { name: "core/intake/0", deliver: || intake(verifier(), 0) },
        Case { name: "core/intake/1024", deliver: || intake(verifier(), 1024) },
        Case { name: "core/intake/0/budget/on", deliver: || intake(verifier_with_budget(), 0) },
    ]
}

fn headers(delivery: &Delivery) -> Vec<(&'static str, String)> {
    delivery.signature.iter().map(|value| (SIGNATURE, value.clone())).collect()
}

fn verify(verifier: Verifier, delivery: &Delivery) -> Box<dyn FnMut()> {
    let (headers, body, accepted) = (headers(delivery), delivery.body.clone(), delivery.status == 200);
    Box::new(move || assert_eq!(verifier.verify(black_box(&headers), black_box(&body)).is_ok(), accepted))
}

fn intake(verifier: Verifier, size: usize) -> Box<dyn FnMut()> {
    let delivery = Delivery::signed(size);
    let headers = headers(&delivery);
    Box::new(move || {
        let mut intake = verifier.intake(black_box(&headers)).unwrap();
        intake.push(delivery.body.clone()).unwrap();
        black_box(intake.finish().unwrap());
    })
}
