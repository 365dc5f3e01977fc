//! Pictures inside a page: drawings become part of it, anything else becomes an image.
//!
//! Inlined drawings print sharp and their words can be searched. Names inside them are made unique,
//! because two pictures that both call something `clip0` would cut each other. A file that holds
//! more than drawing (scripts, styles, links, foreign content) is embedded as data of an image,
//! where viewers run nothing and load nothing.

use crate::kernels::report::escape;

/// Elements that only draw.
const DRAWING: [&str; 15] = [
    "svg", "g", "path", "rect", "line", "circle", "ellipse", "polygon", "polyline", "text",
    "tspan", "clipPath", "defs", "title", "desc",
];
/// Attributes that can reach out of a drawing or bring code into it.
const REACHING: [&str; 4] = ["href", "xlink:href", "style", "class"];

/// The HTML of a picture with its caption as description. `name` is unique on the page.
pub fn embed(svg: &str, name: &str, caption: &str) -> String {
    let described = format!(" role=\"img\" aria-label=\"{}\"", escape(caption));
    match inlined(svg, name, &described) {
        Some(inline) => inline,
        None => format!(
            "<img alt=\"{}\" src=\"data:image/svg+xml;base64,{}\">",
            escape(caption),
            base64(svg.as_bytes())
        ),
    }
}

/// The first line of text in a drawing, which is its title in pictures of this program.
pub fn title_of(svg: &str) -> Option<String> {
    let open = svg.find("<text")?;
    let start = open + svg[open..].find('>')? + 1;
    let end = start + svg[start..].find('<')?;
    let words = svg[start..end].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let words = words.trim();
    (!words.is_empty()).then(|| words.to_owned())
}

/// The drawing as part of a page; nothing when it is more than a drawing.
fn inlined(svg: &str, name: &str, described: &str) -> Option<String> {
    let mut rest = svg.trim_start_matches('\u{feff}').trim_start();
    if rest.starts_with("<?xml") {
        rest = rest[rest.find("?>")? + 2..].trim_start();
    }
    if !rest.starts_with("<svg") {
        return None;
    }
    let mut page = String::with_capacity(svg.len() + 512);
    let mut depth = 0_usize;
    let mut first = true;
    while let Some(open) = rest.find('<') {
        page.push_str(&rest[..open]);
        let close = open + tag_end(&rest[open..])?;
        let tag = Tag::parse(&rest[open + 1..close])?;
        match (tag.closing, tag.empty) {
            (true, _) => depth = depth.checked_sub(1)?,
            (false, false) => depth += 1,
            (false, true) => {}
        }
        tag.write(&mut page, name, if first { described } else { "" });
        first = false;
        rest = &rest[close + 1..];
        if depth == 0 {
            break;
        }
    }
    (depth == 0 && rest.trim().is_empty()).then_some(page)
}

/// The place of the `>` that ends a tag; quotes may hold others.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quoted = false;
    tag.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    })
}

struct Tag<'t> {
    closing: bool,
    empty: bool,
    name: &'t str,
    attributes: Vec<(&'t str, &'t str)>,
}

impl<'t> Tag<'t> {
    /// Takes a tag apart; nothing when it does more than draw.
    fn parse(inside: &'t str) -> Option<Tag<'t>> {
        let (closing, inside) = match inside.strip_prefix('/') {
            Some(inside) => (true, inside),
            None => (false, inside),
        };
        let (empty, inside) = match inside.strip_suffix('/') {
            Some(inside) => (true, inside),
            None => (false, inside),
        };
        let end = inside.find(|c: char| c.is_ascii_whitespace()).unwrap_or(inside.len());
        let (name, mut rest) = (&inside[..end], inside[end..].trim_start());
        let mut attributes = Vec::new();
        while !rest.is_empty() {
            let (key, after) = rest.split_once('=')?;
            let (value, after) = after.strip_prefix('"')?.split_once('"')?;
            let plain = key.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-:".contains(&byte));
            let reaches = REACHING.contains(&key)
                || key.to_ascii_lowercase().starts_with("on")
                || (value.contains("url(") && !value.starts_with("url(#"));
            if !plain || reaches {
                return None;
            }
            attributes.push((key, value));
            rest = after.trim_start();
        }
        DRAWING.contains(&name).then_some(Tag { closing, empty, name, attributes })
    }

    fn write(&self, page: &mut String, unique: &str, described: &str) {
        page.push_str(if self.closing { "</" } else { "<" });
        page.push_str(self.name);
        // A page knows the drawing's namespace by itself.
        for (key, value) in self.attributes.iter().filter(|(key, _)| *key != "xmlns") {
            let value = match (*key, value.strip_prefix("url(#")) {
                ("id", _) => format!("{unique}-{value}"),
                (_, Some(rest)) => format!("url(#{unique}-{rest}"),
                _ => (*value).to_owned(),
            };
            page.push_str(&format!(" {key}=\"{value}\""));
        }
        page.push_str(described);
        page.push_str(if self.empty { "/>" } else { ">" });
    }
}

/// Bytes as text in the alphabet of RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for sextet in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * sextet)) as usize & 63];
            text.push(if sextet <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 4 4\">\n\
        <clipPath id=\"clip0\"><rect x=\"0\"/></clipPath><g clip-path=\"url(#clip0)\"></g>\
        <text x=\"1\">a &lt; b</text></svg>\n";

    #[test]
    fn drawings_are_inlined_with_names_of_their_own() {
        let page = embed(PLAIN, "figure-1", "a \"b\"");
        assert!(page.contains("id=\"figure-1-clip0\"") && page.contains("url(#figure-1-clip0)"));
        assert!(page.contains("role=\"img\" aria-label=\"a &quot;b&quot;\""));
        assert!(page.contains("<text x=\"1\">a &lt; b</text>") && !page.contains("<img"));
        assert_eq!(title_of(PLAIN).unwrap(), "a < b");
    }

    #[test]
    fn what_is_more_than_a_drawing_becomes_an_image() {
        let wrap = |inside: &str| format!("<svg viewBox=\"0 0 4 4\">{inside}</svg>");
        for inside in [
            "<script>alert(1)</script>",
            "<rect onload=\"alert(1)\"/>",
            "<g fill=\"url(http://example.org/a)\"></g>",
            "<a href=\"http://example.org\"></a>",
            "<text href=\"http://example.org\">a</text>",
            "<style>rect {}</style>",
            "<rect x='1'/>",
            "<foreignObject></foreignObject>",
            "<!-- words --><rect/>",
            "</svg><script>alert(1)</script><svg>",
            "<g>",
        ] {
            let page = embed(&wrap(inside), "f", "c");
            assert!(
                page.starts_with("<img alt=\"c\" src=\"data:image/svg+xml;base64,"),
                "{inside}"
            );
        }
        assert!(embed("no picture", "f", "c").starts_with("<img"));
    }

    #[test]
    fn bytes_become_text_as_the_standard_says() {
        let examples = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")];
        for (bytes, text) in examples {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
