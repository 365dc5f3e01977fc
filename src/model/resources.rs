//! What an action needs while it runs. Resources never enter a key.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Resources of one action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Processor cores, at least one.
    pub cores: u32,
    /// Bytes of resident memory of the whole process group; enforced when given.
    pub memory: Option<u64>,
    /// Wall time; enforced when given.
    pub time: Option<Duration>,
    /// Graphics processors.
    pub gpus: u32,
    /// Named pools such as licences or transfer slots.
    pub pools: BTreeMap<String, u32>,
}

impl Default for Resources {
    fn default() -> Self {
        Resources { cores: 1, memory: None, time: None, gpus: 0, pools: BTreeMap::new() }
    }
}

/// A quantity that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    #[error("`{0}` is not a size")]
    Size(String),
    #[error("`{0}` is not a time")]
    Time(String),
}

impl QuantityError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            QuantityError::Size(_) => {
                "write a number and a unit: B, kB, MB, GB, TB (or KiB, MiB, GiB, TiB), \
                 such as \"1.5 GB\""
            }
            QuantityError::Time(_) => {
                "write a number and a unit: s, min, h, d, such as \"30 min\" or \"1 h 30 min\""
            }
        }
    }
}

/// Reads a size with its unit, such as `1 GB` (10^9 bytes) or `512 MiB` (2^29 bytes).
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let error = || QuantityError::Size(text.to_owned());
    let [(number, unit)] = quantities(text).ok_or_else(error)?[..] else {
        return Err(error());
    };
    let scale = match unit {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1024f64.powi(2),
        "GiB" => 1024f64.powi(3),
        "TiB" => 1024f64.powi(4),
        _ => return Err(error()),
    };
    let bytes = number * scale;
    if (1.0..1e18).contains(&bytes) { Ok(bytes.round() as u64) } else { Err(error()) }
}

/// Reads a time with its units, such as `30 min`, `90 s` or `1 h 30 min`.
pub fn parse_time(text: &str) -> Result<Duration, QuantityError> {
    let error = || QuantityError::Time(text.to_owned());
    let mut seconds = 0.0;
    for (number, unit) in quantities(text).ok_or_else(error)? {
        seconds += number
            * match unit {
                "s" | "sec" | "second" | "seconds" => 1.0,
                "min" | "m" | "minute" | "minutes" => 60.0,
                "h" | "hour" | "hours" => 3600.0,
                "d" | "day" | "days" => 86400.0,
                "ms" => 1e-3,
                _ => return Err(error()),
            };
    }
    if seconds > 0.0 && seconds < 1e9 { Ok(Duration::from_secs_f64(seconds)) } else { Err(error()) }
}

/// Splits `1 h 30 min` into numbers with their units.
fn quantities(text: &str) -> Option<Vec<(f64, &str)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        found.push((number, &rest[..end]));
        rest = rest[end..].trim_start();
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_need_units() {
        assert_eq!(parse_size("1 GB"), Ok(1_000_000_000));
        assert_eq!(parse_size("1.5MiB"), Ok(1_572_864));
        assert_eq!(parse_time("1 h 30 min"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_time("0.5 s"), Ok(Duration::from_millis(500)));
        for bad in ["", "12", "GB", "1 GiBi", "-1 GB", "0 B", "1 GB 2 MB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        for bad in ["", "12", "1 fortnight", "0 s"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
    }
}
