//! Lines of text whose parts carry labels instead of colours.
//!
//! Everything a view shows is built from these values, so tests compare text and a terminal without
//! colours loses nothing. Control characters are made visible on the way in: a file name or a log
//! line must not be able to move the cursor or recolour the screen.

/// What a part of a line means. Only [`Line::render`] knows which colour that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    Plain,
    Error,
    Warning,
    Hint,
    Good,
    /// Of less interest than its surroundings.
    Quiet,
    /// The name the line is about.
    Strong,
}

impl Label {
    /// The parameters of the terminal's colour sequence; empty for plain text.
    fn sgr(self) -> &'static str {
        match self {
            Label::Plain => "",
            Label::Error => "1;31",
            Label::Warning => "1;33",
            Label::Hint => "1;36",
            Label::Good => "32",
            Label::Quiet => "2",
            Label::Strong => "1",
        }
    }
}

/// One line of output: labelled parts without line breaks or control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    parts: Vec<(Label, String)>,
}

impl Line {
    /// An empty line, to be filled with [`Line::with`].
    pub fn new() -> Self {
        Line::default()
    }

    /// A line of plain text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Line::new().with(Label::Plain, text)
    }

    /// This line with one more part.
    pub fn with(mut self, label: Label, text: impl AsRef<str>) -> Self {
        self.parts.push((label, visible(text.as_ref())));
        self
    }

    /// This line with the parts of another at its end.
    pub fn and(mut self, other: Line) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// The text alone.
    pub fn plain(&self) -> String {
        self.parts.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The text for a terminal: with colour sequences if wanted.
    pub fn render(&self, colour: bool) -> String {
        if !colour {
            return self.plain();
        }
        self.parts.iter().fold(String::new(), |mut line, (label, text)| {
            match label.sgr() {
                "" => line.push_str(text),
                sgr => line.push_str(&format!("\x1b[{sgr}m{text}\x1b[0m")),
            }
            line
        })
    }

    /// The number of terminal columns this line takes.
    pub fn width(&self) -> usize {
        self.parts.iter().map(|(_, text)| columns(text)).sum()
    }

    /// This line cut to at most `width` columns, with `...` where something was left out.
    pub fn cut(&self, width: usize) -> Line {
        if self.width() <= width {
            return self.clone();
        }
        let mark = if width > 3 { "..." } else { "" };
        let mut left = width - mark.len();
        let mut parts = Vec::new();
        for (label, text) in &self.parts {
            let kept: String = text
                .chars()
                .take_while(|&c| {
                    let fits = char_columns(c) <= left;
                    left = if fits { left - char_columns(c) } else { 0 };
                    fits
                })
                .collect();
            parts.push((*label, kept));
        }
        parts.push((Label::Quiet, mark.to_owned()));
        Line { parts }
    }
}

/// The number of terminal columns a text takes.
pub fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

/// East Asian and emoji characters take two columns. The ranges are the coarse ones, because a
/// misjudged width only cuts a line a little early or late.
fn char_columns(c: char) -> usize {
    match c as u32 {
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff => 2,
        0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Makes control characters, and those that reorder or hide text, visible as escapes.
pub fn visible(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len() + 8), |mut shown, c| {
        match c {
            '\t' => shown.push_str("    "),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            c if is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
        shown
    })
}

/// Control characters, zero-width characters, and marks that change the direction of writing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_never_sent() {
        let line = Line::text("a\x1b[31m\nb\u{202e}\tc");
        assert_eq!(line.plain(), "a\\u{1b}[31m\\nb\\u{202e}    c");
        assert!(!line.render(true).contains('\x1b'));
    }

    #[test]
    fn colours_are_only_in_the_coloured_form() {
        let line = Line::new().with(Label::Error, "error").with(Label::Plain, ": no");
        assert_eq!(line.render(false), "error: no");
        assert_eq!(line.render(true), "\x1b[1;31merror\x1b[0m: no");
    }

    #[test]
    fn lines_are_cut_by_columns() {
        let line = Line::text("abcd").with(Label::Strong, "efgh");
        assert_eq!(line.cut(8).plain(), "abcdefgh");
        assert_eq!(line.cut(7).plain(), "abcd...");
        assert_eq!(line.cut(2).plain(), "ab");
        let wide = Line::text("\u{6e2c}\u{8a66}\u{6e2c}");
        assert_eq!(wide.width(), 6);
        assert_eq!(wide.cut(5).plain(), "\u{6e2c}...");
        assert_eq!(line.cut(0).plain(), "");
    }
}
