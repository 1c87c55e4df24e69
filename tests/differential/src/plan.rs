//! The verifiers that each side builds.

use std::time::{Duration, SystemTime};

use crate::layout::{self, Layout};
use crate::random::Random;

/// Returns the most frequent expiry of keys, in the middle of the past times of cases.
pub fn expiry() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000)
}

pub const WHOLE_URL: &str = "https://example.com/hook?a=b";
pub const BASE_URL: &str = "https://hooks.example.com:8443";

/// The only tenant known to the resolver.
pub const TENANT: &str = "acme";

#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: Kind,
    /// One part, or several parts for `Verifier::any_of`.
    pub parts: Vec<Part>,
    /// The memory budget shared by the parts.
    pub budget: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Alone,
    /// A tenant's verifier from a template.
    Tenant,
    Decoy,
    /// A resolver chooses the tenant's verifier. A careless resolver returns this verifier as its decoy, too.
    Resolver {
        is_careless: bool,
    },
}

#[derive(Clone, Debug)]
pub struct Part {
    /// The index of the layout.
    pub scheme: usize,
    pub name: &'static str,
    pub keys: Vec<Key>,
    /// The names of the accepted algorithms. `None` keeps the default of the scheme.
    pub algorithms: Option<Vec<&'static str>>,
    pub legacy_sha1: bool,
    pub hints: bool,
    pub body_limit: Option<usize>,
    pub tolerance: Option<Duration>,
    pub url: Option<Url>,
}

#[derive(Clone, Debug)]
pub struct Key {
    pub id: &'static str,
    pub secret: String,
    pub until: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Url {
    Whole,
    Base,
}

/// Returns several hundred plans, the same plans in each run.
pub fn plans(layouts: &[Layout]) -> Vec<Plan> {
    let mut random = Random::new(0x00c0_ffee);
    let mut plans = Vec::new();
    for scheme in 0..layouts.len() {
        let alone = |random: &mut Random| Plan { kind: Kind::Alone, parts: vec![part(random, layouts, scheme)], budget: budget(random) };
        plans.extend((0..4).map(|_| alone(&mut random)));
        let others = [Kind::Tenant, Kind::Decoy, Kind::Resolver { is_careless: scheme % 4 < 2 }];
        let kind = others[[0, 2, 1, 2][scheme % 4]];
        plans.push(Plan { kind, ..alone(&mut random) });
    }
    // Not all of these verifiers can be built, because two schemes may read the same header. The errors are compared, too.
    for _ in 0..160 {
        let parts = (0..random.between(2, 3)).map(|_| random.below(layouts.len())).collect::<Vec<_>>();
        let parts = parts.into_iter().map(|scheme| part(&mut random, layouts, scheme)).collect();
        let kinds = [Kind::Alone, Kind::Alone, Kind::Alone, Kind::Tenant, Kind::Decoy, Kind::Resolver { is_careless: false }];
        plans.push(Plan { kind: *random.one_of(&kinds), parts, budget: budget(&mut random) });
    }
    plans.iter_mut().filter(|plan| plan.kind != Kind::Alone).flat_map(|plan| &mut plan.parts).flat_map(|part| &mut part.keys).for_each(
        // Keys of tenants never expire.
        |key| key.until = None,
    );
    plans
}

fn budget(random: &mut Random) -> Option<usize> {
    random.percent(22).then(|| *random.one_of(&[1, 100, 2000, 2000, 200_000]))
}

fn part(random: &mut Random, layouts: &[Layout], scheme: usize) -> Part {
    let layout = &layouts[scheme];
    let (algorithms, legacy_sha1) = algorithms(random, layout);
    let url = layout.scheme.signs_url().then(|| if layout.takes_base && random.percent(60) { Url::Base } else { Url::Whole });
    let tolerances = [60, 3600, 365 * 24 * 3600].map(Duration::from_secs);
    let limit = random.percent(30).then(|| *random.one_of(&[1, 10, 100, 1000, 5000]));
    // These rows take larger bodies since a581b4c.
    let has_grown = ["gitlab", "gitlab-token", "meta"].contains(&layout.scheme.name());
    Part {
        scheme,
        name: layout.scheme.name(),
        keys: keys(random, layout),
        algorithms,
        legacy_sha1,
        hints: random.percent(25),
        body_limit: limit.or_else(|| has_grown.then_some(2 * 1024 * 1024)),
        tolerance: layout.scheme.tolerance().filter(|_| random.percent(40)).map(|_| *random.one_of(&tolerances)),
        url,
    }
}

fn keys(random: &mut Random, layout: &Layout) -> Vec<Key> {
    let count = [1, 1, 1, 1, 2, 2, 2, 3][random.below(8)];
    let mut keys: Vec<Key> = Vec::new();
    for id in ["2026-11", "2026-05", "schlüssel"].into_iter().take(count) {
        let secret = match keys.first() {
            // Two ids have one secret.
            Some(first) if random.percent(8) => first.secret.clone(),
            _ => layout::secret(&layout.scheme, random),
        };
        let expiries =
            [expiry(), expiry(), expiry() + Duration::from_secs(100_000), SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800)];
        let until = random.percent(25).then(|| *random.one_of(&expiries));
        keys.push(Key { id, secret, until });
    }
    keys
}

/// Draws the accepted algorithms, and whether SHA-1 is allowed.
fn algorithms(random: &mut Random, layout: &Layout) -> (Option<Vec<&'static str>>, bool) {
    let known: Vec<_> = layout.scheme.algorithms().map(|algorithm| algorithm.name()).collect();
    if known == ["sha1"] {
        return (None, true);
    }
    let has_sha1 = known.contains(&"sha1");
    if known.len() == 1 || random.percent(50) {
        return (None, has_sha1 && random.percent(50));
    }
    let mut some = known;
    random.shuffle(&mut some);
    some.truncate(random.between(1, some.len()));
    let legacy_sha1 = some.contains(&"sha1") || (has_sha1 && random.percent(20));
    (Some(some), legacy_sha1)
}
