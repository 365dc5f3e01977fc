//! Small text rules that several rooms share: natural order, near misses, quantities for people.

use std::cmp::Ordering;

/// Compares texts the way people order runs: digit groups by number, the rest by characters.
/// Texts that are equal by number (`007`, `7`) fall back to plain order, so the order is total.
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(x), Some(y)) = (left.first(), right.first()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (x_digits, x_rest) = split_digits(left);
            let (y_digits, y_rest) = split_digits(right);
            let by_number =
                x_digits.len().cmp(&y_digits.len()).then_with(|| x_digits.cmp(y_digits));
            if by_number != Ordering::Equal {
                return by_number;
            }
            (left, right) = (x_rest, y_rest);
        } else if x != y {
            return x.cmp(y);
        } else {
            (left, right) = (&left[1..], &right[1..]);
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Splits off leading digits, without their leading zeros.
fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len());
    let start = bytes[..end].iter().position(|&b| b != b'0').unwrap_or(end);
    (&bytes[start..end], &bytes[end..])
}

/// The candidates closest to a misspelt name, best first, at most three. A candidate counts when
/// at most a third of its letters (and at least one) must change.
pub fn near_misses<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Vec<&'c str> {
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let longest = name.chars().count().max(candidate.chars().count());
            let distance = edit_distance(&name.to_lowercase(), &candidate.to_lowercase());
            (candidate != name && distance <= (longest / 3).max(1)).then_some((distance, candidate))
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours between two texts.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// "`a`", "`a` or `b`", "`a`, `b` or `c`".
pub fn one_of<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// A byte count for people, in decimal units: `17 B`, `1.2 kB`, `3.4 GB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut amount = count as f64 / 1e3;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1e3;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// A span of time for people: `0.3 s`, `12 s`, `3 min 05 s`, `2 h 03 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// "1 file", "2 files": a count with its noun, plural by adding `s`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Quotes a word for a POSIX shell; plain words stay as they are.
pub fn shell_quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_order_by_number() {
        let mut runs = vec!["run_10", "run_9", "run_0010", "run_1a", "run_1"];
        runs.sort_by(|a, b| natural_cmp(a, b));
        assert_eq!(runs, ["run_1", "run_1a", "run_9", "run_0010", "run_10"]);
    }

    #[test]
    fn near_misses_are_few_and_close() {
        assert_eq!(near_misses("ouput", ["output", "input", "over"]), ["output"]);
        assert_eq!(near_misses("treshold", ["threshold", "shell"]), ["threshold"]);
        assert!(near_misses("zzz", ["output", "input"]).is_empty());
    }

    #[test]
    fn quoting_survives_a_shell() {
        assert_eq!(shell_quote("a b"), "'a b'");
        assert_eq!(shell_quote("it's"), r"'it'\''s'");
        assert_eq!(shell_quote(""), "''");
        assert_eq!(shell_quote("raw/run_1.h5"), "raw/run_1.h5");
    }

    #[test]
    fn quantities_read_well() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_200_000), "1.2 MB");
        assert_eq!(duration(0.25), "0.2 s");
        assert_eq!(duration(185.0), "3 min 05 s");
        assert_eq!(duration(7380.0), "2 h 03 min");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
