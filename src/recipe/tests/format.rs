//! The usual shape of recipes.

use crate::recipe::format;

/// Compares the shape of a text, and that shaping it again changes nothing.
fn check_shape(text: &str, expected: &str) {
    let shaped = format("recipe.rhai", text).unwrap();
    assert_eq!(shaped, expected, "\n{shaped}");
    assert_eq!(format("recipe.rhai", &shaped).unwrap(), expected);
    let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    assert_eq!(bare(&shaped), bare(text));
}

#[test]
fn maps_are_indented_and_aligned() {
    check_shape(
        r#"

let runs = scan("raw/run_{run}.h5");
let p    = params("params.toml");   // kept


rule("pointcloud",#{
  over: runs,
 input: "raw/run_{run}.h5", // the run
    // a remark
  kernel:   "attpc.pointcloud",
  resources: #{ cores: 1,memory: "1 GB" },
  params : #{
  a: 1,
  long_name: [
  1,
      2,
  ],

  b: 2
  },
});
"#,
        r#"let runs = scan("raw/run_{run}.h5");
let p    = params("params.toml");   // kept

rule("pointcloud", #{
    over:      runs,
    input:     "raw/run_{run}.h5", // the run
    // a remark
    kernel:    "attpc.pointcloud",
    resources: #{ cores: 1, memory: "1 GB" },
    params:    #{
        a:         1,
        long_name: [
            1,
            2,
        ],

        b: 2
    },
});
"#,
    );
}

#[test]
fn statements_that_go_on_are_indented_once() {
    check_shape(
        "let good = scan(\"raw/{run}.h5\")\n.filter(|r| r.run != \"7\")\n  .filter(|r| {\nr.run != \"8\"\n});\nfn f(x) {\nif x > 1 {\n1\n} else {\n2\n}\n}\n",
        "let good = scan(\"raw/{run}.h5\")\n    .filter(|r| r.run != \"7\")\n    .filter(|r| {\n        r.run != \"8\"\n    });\nfn f(x) {\n    if x > 1 {\n        1\n    } else {\n        2\n    }\n}\n",
    );
}

#[test]
fn texts_and_comments_stay_as_they_are() {
    check_shape(
        "let a = `one ${\"}\" + `in ${1}`}  \n   two,three { `;\n/* a,b\n   { kept */\nlet b = \"x,y {\";\nlet c = '{';\n",
        "let a = `one ${\"}\" + `in ${1}`}  \n   two,three { `;\n/* a,b\n   { kept */\nlet b = \"x,y {\";\nlet c = '{';\n",
    );
}

#[test]
fn a_recipe_that_cannot_be_parsed_is_left_alone() {
    let found = format("recipe.rhai", "let a = [1, 2;\n").unwrap_err();
    assert_eq!(found.span.unwrap().to_string(), "recipe.rhai:1:14");
}

#[test]
fn the_standard_library_has_its_shape() {
    for module in &crate::recipe::stdlib::MODULES {
        check_shape(module.text, module.text);
    }
}
