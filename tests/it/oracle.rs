//! Random projects, random edits: after each build the files are those of a clean build, nothing is
//! left to do, and nothing that was called up to date before it was wrong.

use std::collections::BTreeMap;
use std::fs;

use crate::crash::Dice;
use crate::space::TestSpace;

const SOURCES: u64 = 4;
const STEPS: u64 = 7;

/// A project of which the right contents are known: step `n` joins some earlier files and its own
/// parameter.
struct World {
    sources: Vec<String>,
    parameters: Vec<u64>,
    /// For each step the numbers of what it reads: sources first, then earlier steps.
    reads: Vec<Vec<u64>>,
}

impl World {
    fn new(dice: &mut Dice) -> World {
        let reads = |step: u64, dice: &mut Dice| {
            let all = SOURCES + step;
            let mut reads: Vec<u64> = (0..1 + dice.below(3)).map(|_| dice.below(all)).collect();
            reads.sort_unstable();
            reads.dedup();
            reads
        };
        World {
            sources: (0..SOURCES).map(|n| format!("source {n}\n")).collect(),
            parameters: vec![0; STEPS as usize],
            reads: (0..STEPS).map(|step| reads(step, dice)).collect(),
        }
    }

    fn name(number: u64) -> String {
        match number.checked_sub(SOURCES) {
            None => format!("raw/{number}"),
            Some(step) => format!("out/{step}"),
        }
    }

    fn write_recipe(&self, space: &TestSpace) {
        let mut recipe = String::new();
        for (step, reads) in self.reads.iter().enumerate() {
            let inputs: Vec<String> =
                reads.iter().map(|&n| format!("\"{}\"", World::name(n))).collect();
            recipe.push_str(&format!(
                "rule(\"s{step}\", #{{ input: [{}], output: \"out/{step}\", params: #{{ p: {} }},\n    \
                 shell: \"echo {{params.p}} > {{output}}; cut -c1-30 {{input}} >> {{output}}\" }});\n",
                inputs.join(", "),
                self.parameters[step]
            ));
        }
        space.write("recipe.rhai", &recipe);
    }

    /// What a clean build makes.
    fn contents(&self) -> BTreeMap<String, String> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for (number, text) in self.sources.iter().enumerate() {
            files.insert(World::name(number as u64), text.clone());
        }
        for (step, reads) in self.reads.iter().enumerate() {
            let mut text = format!("{}\n", self.parameters[step]);
            for read in reads {
                for line in files[&World::name(*read)].lines() {
                    text.push_str(&format!("{}\n", line.chars().take(30).collect::<String>()));
                }
            }
            files.insert(World::name(SOURCES + step as u64), text);
        }
        files
    }

    /// One edit somebody might make, by hand or by program.
    fn edit(&mut self, space: &TestSpace, dice: &mut Dice) -> String {
        let source = dice.below(SOURCES) as usize;
        let step = dice.below(STEPS) as usize;
        let output = space.path().join(format!("out/{step}"));
        match dice.below(7) {
            0 => self.sources[source] = format!("source {source} {}\n", dice.below(3)),
            // Cut off by the steps: the same bytes come out.
            1 => {
                self.sources[source] =
                    format!("source {source} with a long tail {}\n", dice.below(9))
            }
            2 => self.parameters[step] = dice.below(3),
            3 => drop(fs::remove_file(output)),
            4 => drop(fs::write(output, "tampered\n")),
            5 => drop(fs::remove_file(space.path().join(".attpc/snapshot"))),
            _ => self.reads[step] = vec![dice.below(SOURCES + step as u64)],
        }
        for (number, text) in self.sources.iter().enumerate() {
            space.write(&World::name(number as u64), text);
        }
        self.write_recipe(space);
        format!("source {source}, step {step}")
    }
}

#[test]
fn after_any_edit_a_build_gives_what_a_clean_build_gives() {
    for seed in [0x5eed_0001_u64, 0x5eed_0002, 0x5eed_0003] {
        let mut dice = Dice(seed);
        let mut world = World::new(&mut dice);
        let space = TestSpace::new();
        for round in 0..25 {
            let edit = world.edit(&space, &mut dice);
            let at = format!("seed {seed:#x}, round {round}: {edit}");
            let expected = world.contents();
            let plan: serde_json::Value =
                serde_json::from_str(&space.run(&["plan", "--json"]).ok()).unwrap();
            for action in plan.as_array().unwrap() {
                let path = action["outputs"][0].as_str().unwrap();
                if action["verdict"] == "fresh" {
                    assert_eq!(space.read(path), expected[path], "{at}: {path} was called fresh");
                }
            }
            let certain =
                plan.as_array().unwrap().iter().filter(|a| a["runs"] == "certain").count();
            let text = space.run(&["build", "--json"]).ok();
            let last: serde_json::Value =
                serde_json::from_str(text.lines().last().unwrap()).unwrap();
            assert!(last["executed"].as_u64().unwrap() >= certain as u64, "{at}: {last}");
            for (path, content) in &expected {
                assert_eq!(&space.read(path), content, "{at}: {path}");
            }
            let text = space.run(&["build", "--json"]).ok();
            assert!(text.contains("\"executed\":0,"), "{at}: something was left to do");
        }
    }
}
