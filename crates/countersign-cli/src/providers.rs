use clap::Args;
use countersign::providers;
use countersign::scheme::{Algorithm, Encoding, Evidence, Scheme};
use serde_json::{Value, json};

use crate::output::{self, FAINT, GOOD, Verbosity, styled};

/// List the known providers, and the evidence for each
#[derive(Debug, Args)]
pub(crate) struct Providers {
    /// Print a JSON object per line instead of the table
    #[arg(long)]
    json: bool,
    /// List only names that contain this text
    filter: Option<String>,
}

impl Providers {
    pub(crate) fn run(self, verbosity: Verbosity) -> bool {
        let wanted = |scheme: &&Scheme| self.filter.as_ref().is_none_or(|text| scheme.name().contains(text.as_str()));
        let schemes: Vec<&Scheme> = providers::ALL.iter().filter(wanted).collect();
        let found = !schemes.is_empty();
        if self.json {
            for scheme in schemes {
                output::line(as_json(scheme));
            }
        } else if found {
            // An empty table has no heading.
            table(&schemes, verbosity);
        }
        if let (false, Some(filter), true) = (found, &self.filter, verbosity > Verbosity::Quiet) {
            output::note(format!("no provider name contains {filter:?}"));
        }
        found
    }
}

const COLUMNS: [&str; 7] = ["NAME", "HEADER", "ENCODING", "HASH", "TOLERANCE", "CONFIRMED", "EVIDENCE"];

/// Columns in the order of removal, for a narrow terminal.
const SPARED: [usize; 6] = [6, 4, 2, 3, 5, 1];

/// Prints the columns that fit into the terminal.
fn table(schemes: &[&Scheme], verbosity: Verbosity) {
    let rows: Vec<[String; 7]> = schemes.iter().map(|scheme| cells(scheme)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(COLUMNS.get(column).map(|name| name.len())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let columns = fitting(&widths, output::width());
    let print = |cells: [&str; 7], is_confirmed: bool| {
        let shown = columns.iter().map(|column| {
            let (cell, width) = (cells.get(*column).copied().unwrap_or_default(), widths.get(*column).copied().unwrap_or_default());
            match COLUMNS.get(*column) {
                Some(&"CONFIRMED") if cell != "CONFIRMED" => styled(if is_confirmed { GOOD } else { FAINT }, format!("{cell:<width$}")),
                _ => format!("{cell:<width$}"),
            }
        });
        output::line(shown.collect::<Vec<_>>().join("  ").trim_end());
    };
    print(COLUMNS, false);
    for (row, scheme) in rows.iter().zip(schemes) {
        print(row.each_ref().map(String::as_str), scheme.evidence() == Evidence::Confirmed);
    }
    if columns.len() < COLUMNS.len() && verbosity > Verbosity::Quiet {
        output::note("A wider terminal shows more columns; --json shows all.");
    }
}

/// Returns the columns that fit, in order. The name is always among the columns.
fn fitting(widths: &[usize], room: Option<usize>) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..widths.len()).collect();
    let taken =
        |columns: &[usize]| columns.iter().filter_map(|column| widths.get(*column)).map(|width| width.saturating_add(2)).sum::<usize>();
    for spared in SPARED {
        if room.is_none_or(|room| taken(&columns).saturating_sub(2) <= room) {
            break;
        }
        columns.retain(|column| *column != spared);
    }
    columns
}

fn cells(scheme: &Scheme) -> [String; 7] {
    let tolerance = scheme.tolerance().map(|tolerance| humantime::format_duration(tolerance).to_string());
    let evidence = scheme.evidence();
    let (confirmed, rests_on) = match evidence {
        Evidence::Confirmed => ("yes", "a published value".to_owned()),
        _ => ("no", evidence.to_string()),
    };
    let tolerance = tolerance.unwrap_or_else(|| "-".to_owned());
    // For numbered headers, the scheme holds the text before the number.
    let header = if scheme.header().ends_with('-') { format!("{}1, …2", scheme.header()) } else { scheme.header().to_owned() };
    [scheme.name().to_owned(), header, encoding(scheme).to_owned(), hash(scheme), tolerance, confirmed.to_owned(), rests_on]
}

/// Lists the hashes accepted by default, and the other hashes in parentheses.
fn hash(scheme: &Scheme) -> String {
    let (default, others) = hashes(scheme);
    match (default.is_empty(), others.is_empty()) {
        (_, true) => default.join(","),
        (true, false) => format!("({})", others.join(",")),
        (false, false) => format!("{} ({})", default.join(","), others.join(",")),
    }
}

/// Returns the hashes accepted by default, and the other hashes.
fn hashes(scheme: &Scheme) -> (Vec<&'static str>, Vec<&'static str>) {
    let default = scheme.accepted_by_default();
    let all = scheme.algorithms().filter(|_| scheme.covers_body());
    let (default, others): (Vec<_>, Vec<_>) = all.partition(|algorithm| default.contains(algorithm));
    let names = |algorithms: Vec<Algorithm>| algorithms.into_iter().map(Algorithm::name).collect();
    (names(default), names(others))
}

fn encoding(scheme: &Scheme) -> &'static str {
    if !scheme.covers_body() {
        return "token";
    }
    match scheme.signature_encoding() {
        Encoding::Hex => "hex",
        Encoding::Base64 => "base64",
        Encoding::Base64Url => "base64url",
        _ => "other",
    }
}

fn as_json(scheme: &Scheme) -> Value {
    json!({
        "name": scheme.name(),
        "header": scheme.header(),
        "encoding": encoding(scheme),
        "hashes": hashes(scheme).0,
        "hashes_on_demand": hashes(scheme).1,
        "tolerance_seconds": scheme.tolerance().map(|tolerance| tolerance.as_secs()),
        "signs_body": scheme.covers_body(),
        "signs_url": scheme.signs_url(),
        "confirmed": scheme.evidence() == Evidence::Confirmed,
        "evidence": scheme.evidence().to_string(),
        "documentation": scheme.documentation(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_no_wider_than_its_terminal() {
        let widths = [20, 30, 9, 25, 9, 9, 30];
        let taken = |columns: &[usize]| columns.iter().map(|column| widths[*column]).sum::<usize>() + 2 * (columns.len() - 1);
        assert_eq!(fitting(&widths, None), [0, 1, 2, 3, 4, 5, 6]);
        for room in 20..140 {
            let columns = fitting(&widths, Some(room));
            assert!(columns.is_sorted() && columns[0] == 0 && taken(&columns) <= room, "{room}: {columns:?}");
        }
        assert_eq!(fitting(&widths, Some(144)), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(fitting(&widths, Some(143)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(fitting(&widths, Some(111)), [0, 1, 2, 3, 5]);
        assert_eq!(fitting(&widths, Some(5)), [0]);
    }
}
