//! The table of all answers.

use std::collections::{BTreeMap, HashMap};

use crate::answer::{Answer, Entry};
use crate::compare::Compared;

/// Each kind of rejection, and the entries that never return this kind.
const KINDS: [(&str, &[Entry]); 26] = [
    ("missing_signature", &[]),
    ("duplicate_signature", &[]),
    ("non_ascii_signature", &[]),
    ("malformed_signature", &[]),
    ("unknown_algorithm", &[]),
    ("algorithm_not_allowed", &[]),
    ("signature_length", &[]),
    ("signature_encoding", &[]),
    ("too_many_signatures", &[]),
    ("missing_timestamp", &[]),
    ("malformed_timestamp", &[]),
    ("timestamp_too_old", &[]),
    ("timestamp_too_new", &[]),
    ("missing_id", &[]),
    ("malformed_id", &[]),
    ("malformed_method", &[]),
    ("malformed_target", &[]),
    ("token_mismatch", &[Entry::Head]),
    ("signature_mismatch", &[Entry::Head]),
    ("unknown_tenant", &[Entry::Head]),
    ("body_too_large", &[Entry::VerifyAt, Entry::BeginAt, Entry::Verify, Entry::Head]),
    ("body_unreadable", &[Entry::VerifyAt, Entry::BeginAt, Entry::Verify, Entry::Head]),
    ("body_timeout", &[Entry::VerifyAt, Entry::BeginAt, Entry::Verify, Entry::Head]),
    ("budget_exhausted", &[Entry::VerifyAt, Entry::BeginAt, Entry::Verify, Entry::Head]),
    ("keys_expired", &[Entry::Head]),
    ("keys_unavailable", &[Entry::VerifyAt, Entry::BeginAt, Entry::Verify, Entry::Head]),
];

/// The other labels of answers, and the entries that never return them.
const OTHERS: [(&str, &[Entry]); 4] = [
    ("verified", &[Entry::Head]),
    ("no fault", &[Entry::VerifyAt, Entry::BeginAt, Entry::Verify, Entry::Receive, Entry::HeadFirst]),
    ("let through", &[Entry::VerifyAt, Entry::BeginAt, Entry::Verify, Entry::Head]),
    ("waits", &[Entry::VerifyAt, Entry::BeginAt, Entry::Verify, Entry::Head]),
];

/// The number of cases from which each answer must occur. Fewer cases may miss an answer.
const ENOUGH: u64 = 200_000;

#[derive(Default)]
pub struct Table {
    cases: u64,
    counts: HashMap<(&'static str, Entry), u64>,
    meant: BTreeMap<&'static str, u64>,
}

impl Table {
    pub fn count(&mut self, compared: &[Compared]) {
        self.cases += 1;
        for Compared { entry, now, meant, .. } in compared {
            *self.counts.entry((now.label(), *entry)).or_default() += 1;
            if let Some(reason) = meant {
                *self.meant.entry(reason).or_default() += 1;
            }
        }
    }

    /// Prints the table. Returns whether each possible answer occurred. A missing answer was never compared.
    pub fn print(&self) -> bool {
        print!("{:<24}", "");
        Entry::ALL.iter().for_each(|entry| print!("{:>12}", entry.name()));
        println!();
        let mut missed = Vec::new();
        for (label, not_by) in OTHERS.iter().chain(&KINDS) {
            print!("{label:<24}");
            for entry in Entry::ALL {
                match self.counts.get(&(*label, entry)) {
                    Some(count) => print!("{count:>12}"),
                    None if not_by.contains(&entry) => print!("{:>12}", "."),
                    None => {
                        print!("{:>12}", "NONE");
                        missed.push((label, entry.name()));
                    }
                }
            }
            println!();
        }
        let verified = self.counts.get(&("verified", Entry::VerifyAt)).copied().unwrap_or_default();
        println!("\n{} cases, {:.1} % verified", self.cases, 100.0 * verified as f64 / self.cases.max(1) as f64);
        self.print_meant();
        let enough = missed.is_empty() || self.cases < ENOUGH;
        if !enough {
            println!("FAILED: these answers never occurred, and so were not compared: {missed:?}");
        }
        enough
    }

    fn print_meant(&self) {
        if self.meant.is_empty() {
            println!("no intended difference occurred");
        }
        for (reason, count) in &self.meant {
            println!("{count:>12} intended differences: {reason}");
        }
    }
}

impl Answer {
    pub const fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }
}
