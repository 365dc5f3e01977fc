//! One spelling for each path, so that two rules cannot mean one file under two names.

/// Why a path cannot name an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadPath {
    Empty,
    Parent,
    State,
    ControlCharacter,
}

impl BadPath {
    pub(super) fn words(self) -> &'static str {
        match self {
            BadPath::Empty => "is empty",
            BadPath::Parent => "leaves the project directory with `..`",
            BadPath::State => "lies in `.attpc`, which belongs to attpc",
            BadPath::ControlCharacter => "holds a control character",
        }
    }
}

/// Takes `./`, doubled slashes and a trailing slash away. Paths outside the project directory are
/// written absolute, never with `..`, because such paths cannot be compared.
pub(super) fn normalise(path: &str) -> Result<String, BadPath> {
    if path.chars().any(char::is_control) {
        return Err(BadPath::ControlCharacter);
    }
    let mut clean = String::with_capacity(path.len());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(BadPath::Parent),
            _ => {
                if !clean.is_empty() || path.starts_with('/') {
                    clean.push('/');
                }
                clean.push_str(part);
            }
        }
    }
    match clean.as_str() {
        "" => Err(BadPath::Empty),
        _ if clean == ".attpc" || clean.starts_with(".attpc/") => Err(BadPath::State),
        _ => Ok(clean),
    }
}

/// True when `normalise` would give the path back as it is: the common case, checked without
/// allocating.
pub(super) fn is_normal(path: &str) -> bool {
    let mut rest = path.strip_prefix('/').unwrap_or(path).split('/');
    !path.starts_with(".attpc")
        && rest.all(|part| !matches!(part, "" | "." | ".."))
        && !path.bytes().any(|b| b.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_spelling() {
        for (path, clean) in [
            ("a/b.h5", "a/b.h5"),
            ("./a//b.h5", "a/b.h5"),
            ("a/./b/", "a/b"),
            ("/data//raw/./x", "/data/raw/x"),
        ] {
            assert_eq!(normalise(path).as_deref(), Ok(clean));
            assert_eq!(is_normal(path), path == clean);
        }
        assert_eq!(normalise("a/../b"), Err(BadPath::Parent));
        assert_eq!(normalise("./"), Err(BadPath::Empty));
        assert_eq!(normalise(".attpc/x"), Err(BadPath::State));
        assert_eq!(normalise("a\nb"), Err(BadPath::ControlCharacter));
    }
}
