//! Gives both sides the same deliveries, and compares the answers.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use crate::answer::{Answer, Entry};
use crate::case::Case;
use crate::meant::meant;
use crate::plan::Plan;
use crate::{before, now};

/// Each verifier, built by each side.
pub struct Sides(Vec<(before::build::Built, now::build::Built)>);

/// Two different answers that should be the same.
#[derive(Debug)]
pub struct Difference {
    pub what: String,
    pub before: String,
    pub now: String,
}

/// The answers of both sides at one entry, and the reason for an intended difference.
pub struct Compared {
    pub entry: Entry,
    pub before: Answer,
    pub now: Answer,
    pub meant: Option<&'static str>,
}

impl Sides {
    /// Builds the planned verifiers, and removes each plan that fails to build. The errors of both sides must be the same.
    pub fn build(plans: &mut Vec<Plan>) -> (Self, Vec<Difference>) {
        let schemes = (before::schemes::all(), now::schemes::all());
        let (mut sides, mut differences) = (Vec::new(), Vec::new());
        let names: (Vec<_>, Vec<_>) = (schemes.0.iter().map(|s| s.name()).collect(), schemes.1.iter().map(|s| s.name()).collect());
        differences.extend(different("the schemes", &names.0, &names.1));
        plans.retain(|plan| match (before::build::build(plan, &schemes.0), now::build::build(plan, &schemes.1)) {
            (Ok(before), Ok(now)) => {
                sides.push((before, now));
                true
            }
            (before, now) => {
                let what = format!("building {plan:?}");
                differences.extend(different(&what, &before.err(), &now.err()));
                false
            }
        });
        (Self(sides), differences)
    }

    pub fn compare(&self, case: &Case) -> Vec<Compared> {
        let (before, now) = &self.0[case.plan];
        let compared = Entry::ALL.map(|entry| {
            let before = guarded(|| before::judge::answer(entry, before, case));
            let now = guarded(|| now::judge::answer(entry, now, case));
            let differ = before != now && !before.is_panic() && !now.is_panic();
            let meant = if differ { meant(entry, &before, &now, case) } else { None };
            Compared { entry, before, now, meant }
        });
        compared.into()
    }

    /// Compares the state of the verifiers after all cases.
    pub fn compare_summaries(&self, plans: &[Plan]) -> Vec<Difference> {
        let each = self.0.iter().zip(plans);
        each.filter_map(|((before, now), plan)| different(&format!("afterwards, {plan:?}"), &before.summary(), &now.summary())).collect()
    }
}

/// Returns the differences in a case: between the sides, and between two entries of one side that must agree.
pub fn differences(compared: &[Compared]) -> Vec<Difference> {
    let mut found = Vec::new();
    for Compared { entry, before, now, meant } in compared {
        let differ = before != now && meant.is_none();
        if differ || before.is_panic() || now.is_panic() {
            found.push(Difference { what: entry.name().to_owned(), before: format!("{before:#?}"), now: format!("{now:#?}") });
        }
    }
    // Head and body at once give the same result as the head first and the body afterwards.
    if let [whole, parts, ..] = compared {
        for (side, whole, parts) in [("before", &whole.before, &parts.before), ("now", &whole.now, &parts.now)] {
            if let (Answer::Judged { result: whole, .. }, Answer::Judged { result: parts, .. }) = (whole, parts)
                && whole != parts
            {
                let what = format!("{side}: verify_at, and then begin_at");
                found.push(Difference { what, before: format!("{whole:#?}"), now: format!("{parts:#?}") });
            }
        }
    }
    found
}

fn different<T: PartialEq + std::fmt::Debug>(what: &str, before: &T, now: &T) -> Option<Difference> {
    let difference = || Difference { what: what.to_owned(), before: format!("{before:#?}"), now: format!("{now:#?}") };
    (before != now).then(difference)
}

thread_local! {
    /// The message of the last panic, while panics are caught.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Sets a panic hook that keeps the messages of caught panics instead of printing them.
pub fn keep_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let kept = CAUGHT.with_borrow_mut(|caught| caught.as_mut().map(|caught| *caught = info.to_string()));
        if kept.is_none() {
            print(info);
        }
    }));
}

fn guarded(answer: impl FnOnce() -> Answer) -> Answer {
    CAUGHT.set(Some(String::new()));
    let answered = panic::catch_unwind(AssertUnwindSafe(answer));
    let said = CAUGHT.take().unwrap_or_default();
    answered.unwrap_or(Answer::Panicked(said))
}
