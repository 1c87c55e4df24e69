//! Generates cases. Each case starts with a signed delivery, and most cases then get a change.

mod arrival;
mod bodies;
mod fields;
mod items;
mod message;
mod moment;
mod times;

use std::time::Duration;

use bytes::Bytes;

use crate::case::{Case, Limit};
use crate::generate::message::Message;
use crate::layout::Layout;
use crate::plan::{Kind, Part, Plan, TENANT};
use crate::random::Random;
use crate::request::Request;

/// The schemes and the verifiers of all cases.
pub struct World {
    pub layouts: Vec<Layout>,
    pub plans: Vec<Plan>,
}

/// The subject of one case: a verifier, and one of its schemes.
#[derive(Clone, Copy)]
struct Subject<'w> {
    world: &'w World,
    plan: &'w Plan,
    part: &'w Part,
    layout: &'w Layout,
}

/// Returns the case with this number. The case depends only on the seed and the number, except for present times, read from the clock.
pub fn case(world: &World, seed: u64, number: u64) -> Case {
    let random = &mut Random::of_case(seed, number);
    let plan = random.below(world.plans.len());
    let part = random.one_of(&world.plans[plan].parts);
    let subject = Subject { world, plan: &world.plans[plan], part, layout: &world.layouts[part.scheme] };

    let message = Message::draw(random, &subject);
    let body = Bytes::from(bodies::delivered(random, &message.body));
    let fields = fields::draw(random, &subject, &message, body.len());
    let Message { now, method, target, original_target, .. } = message;
    let request = Request { method, target, original_target, fields };
    Case {
        number,
        plan,
        as_list: request.is_bare() && random.percent(50),
        request,
        now,
        pieces: arrival::pieces(random, body.len()),
        script: arrival::script(random, body),
        deadline: random.percent(55).then(|| limit(random)),
        report_only: random.percent(18),
        tenant: tenant(random, subject.plan),
        occupied: subject.plan.budget.filter(|_| random.percent(50)).map_or(0, |budget| random.between(0, budget)),
    }
}

fn limit(random: &mut Random) -> Limit {
    let within = *random.one_of(&[0, 1, 5, 30, 30, 30].map(Duration::from_secs));
    let paces = [(1, 0), (1024, 5), (1024, 5), (1_000_000, 0), (0, 0)];
    let pace = random.percent(60).then(|| *random.one_of(&paces)).map(|(pace, grace)| (pace, Duration::from_secs(grace)));
    Limit { within, pace }
}

fn tenant(random: &mut Random, plan: &Plan) -> Option<&'static str> {
    if !matches!(plan.kind, Kind::Resolver { .. }) {
        return random.percent(10).then_some(TENANT);
    }
    match random.below(100) {
        0..45 => Some(TENANT),
        45..75 => Some("acme, later"),
        75..80 => None,
        80..84 => Some("unknown"),
        84..88 => Some("unknown, later"),
        88..91 => Some("fails"),
        91..94 => Some("fails, later"),
        94..95 => Some("panics"),
        95..96 => Some("panics, later"),
        _ => Some("never"),
    }
}
