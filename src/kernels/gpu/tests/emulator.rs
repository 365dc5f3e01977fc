//! Compiles the kernels as C and runs them in a process of their own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::kernels::attpc::pointcloud::PeakParams;
use crate::kernels::gpu::objective::{self, Placement, TrackSet, WHOLE};
use crate::kernels::gpu::traces::{self, Plan, RECORD, TracePeaks};

/// In which order a block's items of one phase run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Forward,
    Backward,
}

/// A C compiler's version of the kernels.
pub(super) struct Emulator {
    dir: TempDir,
    order: Order,
}

/// An argument of a kernel, as the emulation reads it.
enum Argument {
    Value(Vec<u8>),
    Buffer(Vec<u8>),
}

fn ints(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

fn reals(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

/// Where the sources stand relative to each other.
const SOURCES: [(&str, &str); 7] = [
    ("block.h", include_str!("../block.h")),
    ("traces.cu", include_str!("../traces.cu")),
    ("objective.cu", include_str!("../objective.cu")),
    ("emulation/traces.c", include_str!("../emulation/traces.c")),
    ("emulation/objective.c", include_str!("../emulation/objective.c")),
    ("emulation/main.c", include_str!("../emulation/main.c")),
    ("emulation/driver.c", include_str!("../emulation/driver.c")),
];

/// Calls the C compiler on the kernels and one file more; arithmetic as IEEE says, nothing fused.
pub(super) fn compile(directory: &Path, file: &str, flags: &[&str], output: &str) {
    std::fs::create_dir_all(directory.join("emulation")).unwrap();
    for (name, text) in SOURCES {
        std::fs::write(directory.join(name), text).unwrap();
    }
    let mut command = Command::new("cc");
    command.current_dir(directory.join("emulation"));
    command.args(["-x", "c", "-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra"]);
    command.args(["-Wno-unused-function", "-Werror"]).args(flags);
    command.args([file, "traces.c", "objective.c", "-x", "none", "-lm", "-o", output]);
    let result = command.output().expect("a C compiler, which the program's build needs as well");
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
}

impl Emulator {
    pub fn new(order: Order) -> Emulator {
        let emulator = Emulator { dir: tempfile::tempdir().unwrap(), order };
        let flags: &[&str] = match order {
            Order::Forward => &[],
            Order::Backward => &["-DREVERSED"],
        };
        compile(emulator.dir.path(), "main.c", flags, "emulate");
        emulator
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("emulation/emulate")
    }

    /// Runs a kernel and gives all its buffers as it left them.
    fn run(&self, name: &str, blocks: usize, arguments: &[Argument]) -> Vec<Vec<u8>> {
        let mut input = name.as_bytes().to_vec();
        input.resize(16, 0);
        input.extend(ints(&[blocks as i32, arguments.len() as i32]));
        let mut sizes = Vec::new();
        for argument in arguments {
            let (kind, bytes) = match argument {
                Argument::Value(bytes) => (0i32, bytes),
                Argument::Buffer(bytes) => {
                    sizes.push(bytes.len());
                    (1, bytes)
                }
            };
            input.extend(kind.to_ne_bytes());
            input.extend((bytes.len() as i64).to_ne_bytes());
            input.extend(bytes);
        }
        let mut child = Command::new(self.program())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The kernel writes nothing before it has read everything, so this cannot get stuck.
        child.stdin.take().unwrap().write_all(&input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{:?} emulation: {}", self.order, output.status);
        assert_eq!(output.stdout.len(), sizes.iter().sum::<usize>());
        let mut rest = &output.stdout[..];
        let take = |size: usize| {
            let (buffer, after) = rest.split_at(size);
            rest = after;
            buffer.to_vec()
        };
        sizes.into_iter().map(take).collect()
    }

    /// The peaks of each row of `cells`.
    pub fn find_peaks(&self, params: &PeakParams, cells: &[i16], row: usize) -> Vec<TracePeaks> {
        let plan = Plan::new(params);
        let traces = cells.len() / row;
        let real = |value: f64| Argument::Value(reals(&[value]));
        let arguments = [
            Argument::Buffer(cells.iter().flat_map(|cell| cell.to_ne_bytes()).collect()),
            Argument::Value(ints(&[row as i32])),
            Argument::Buffer(reals(&plan.tables)),
            Argument::Value(ints(&[plan.lowest])),
            Argument::Value(ints(&[plan.distance])),
            real(plan.prominence),
            real(plan.height),
            real(plan.width[0]),
            real(plan.width[1]),
            Argument::Buffer(vec![0xff; traces * RECORD * 4]),
        ];
        let left = self.run("find_peaks", traces, &arguments);
        let records: Vec<i32> =
            left[2].as_chunks::<4>().0.iter().map(|word| i32::from_ne_bytes(*word)).collect();
        traces::decode(&records)
    }

    /// Sums and single weighted distances of placements.
    pub fn distances(
        &self,
        mesh: (usize, &[f32]),
        tracks: &TrackSet,
        placements: &[Placement],
    ) -> (Vec<f64>, Vec<f64>) {
        let (steps, mesh) = mesh;
        let (mut sums, mut each) = (Vec::new(), Vec::new());
        for batch in objective::batches(tracks, placements) {
            let arguments = [
                Argument::Buffer(mesh.iter().flat_map(|value| value.to_ne_bytes()).collect()),
                Argument::Value(ints(&[steps as i32])),
                Argument::Buffer(reals(&tracks.points)),
                Argument::Buffer(ints(&batch.whole)),
                Argument::Buffer(reals(&batch.numbers)),
                Argument::Buffer(vec![0xff; batch.placements() * 8]),
                Argument::Buffer(vec![0xff; batch.distances * 8]),
            ];
            assert_eq!(batch.whole.len(), batch.placements() * WHOLE);
            let left = self.run("distances", batch.placements(), &arguments);
            let read = |bytes: &[u8]| -> Vec<f64> {
                bytes.as_chunks::<8>().0.iter().map(|word| f64::from_ne_bytes(*word)).collect()
            };
            sums.extend(read(&left[4]));
            each.extend(read(&left[5]));
        }
        (sums, each)
    }
}
