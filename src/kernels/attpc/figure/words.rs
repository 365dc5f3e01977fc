//! Phrases that several pictures of the chain share.

use crate::kernels::figure::axes::thousands;

/// A number with its noun, such as `1 track` or `12 345 tracks`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(&number.to_string()))
}

/// Runs in words: their number, and which where they are few. Expects them ascending.
pub fn runs_of(runs: &[i64]) -> String {
    match runs {
        [] => "no run".to_owned(),
        [run] => format!("run {run}"),
        [first, .., last] if runs.len() > 6 => {
            format!("{} runs ({first} to {last})", runs.len())
        }
        [.., last] => {
            let names: Vec<String> = runs.iter().map(i64::to_string).collect();
            let before = names[..names.len() - 1].join(", ");
            format!("runs {before} and {last}")
        }
    }
}

/// An isotope as it is printed: `16C` becomes `¹⁶C`.
pub fn isotope(name: &str) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |letter: char| letter.to_digit(10).map_or(letter, |digit| RAISED[digit as usize]);
    name.chars().map(raise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_runs_read_as_phrases() {
        assert_eq!(count(1, "track"), "1 track");
        assert_eq!(count(12_345, "track"), "12\u{202f}345 tracks");
        assert_eq!(runs_of(&[]), "no run");
        assert_eq!(runs_of(&[4]), "run 4");
        assert_eq!(runs_of(&[1, 2, 9]), "runs 1, 2 and 9");
        assert_eq!(runs_of(&[1, 2, 3, 4, 5, 6, 8]), "7 runs (1 to 8)");
        assert_eq!(isotope("16C"), "¹⁶C");
    }
}
