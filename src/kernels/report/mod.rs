//! A page on paper or screen: one HTML file that needs nothing beside it.
//!
//! It knows nothing of any technique. Words, tables and pictures come in, HTML text goes out, and
//! the same content always gives the same text. Nothing that comes in can reach out of the page:
//! all words are escaped, pictures that are more than drawing become plain images, and the page
//! itself forbids scripts and outside resources.

pub mod embed;
pub mod page;
pub mod table;

/// Text as it may stand between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            // The format has no place for other control characters.
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_words_is_only_words() {
        let words = "<script>alert(\"a\" & 'b')</script>\u{0}";
        let expected =
            "&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;\u{fffd}";
        assert_eq!(escape(words), expected);
    }
}
