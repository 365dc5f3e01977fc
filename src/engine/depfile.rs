//! Reads Makefile-style dependency lists, as compilers and many converters write them.

/// The dependencies of all rules in a depfile, each once, in order; paths below `root` become
/// project-relative. Backslashes escape blanks and `#`, `$$` is a dollar, a backslash at the end
/// of a line continues it.
pub(super) fn dependencies(text: &str, root: &str) -> Vec<String> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut found: Vec<String> = Vec::new();
    for line in joined.lines() {
        let Some(after) = after_targets(line) else { continue };
        for path in words(after) {
            let path = path.strip_prefix(root).and_then(|p| p.strip_prefix('/')).unwrap_or(&path);
            let path = path.strip_prefix("./").unwrap_or(path).to_owned();
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// What follows the colon that ends the targets: one with a blank or the line's end behind it.
fn after_targets(line: &str) -> Option<&str> {
    let is_end = |at: usize| line[at + 1..].chars().next().is_none_or(char::is_whitespace);
    let colon = line.match_indices(':').map(|(at, _)| at).find(|&at| is_end(at))?;
    Some(&line[colon + 1..])
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next)) if next == ' ' || next == '#' || next == '\\' => {
                word.push(next);
                chars.next();
            }
            ('$', Some('$')) => {
                word.push('$');
                chars.next();
            }
            (c, _) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers_depfiles_are_read() {
        let text = "out.o: ./a.c b\\ c.h \\\n  /p/inc/d.h /usr/x.h\n\nb\\ c.h:\nlog: a.c $$e\n";
        assert_eq!(dependencies(text, "/p"), ["a.c", "b c.h", "inc/d.h", "/usr/x.h", "$e"]);
        assert!(dependencies("", "/p").is_empty());
        assert!(dependencies("no colon here", "/p").is_empty());
    }
}
