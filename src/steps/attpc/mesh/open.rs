//! Opens a mesh, ours or Spyral's, as a grid of tracks.

use std::path::Path;

use crate::data::mesh_info::{MeshInfo, read_mesh_info};
use crate::data::npy::{NpyFile, Numbers};
use crate::kernels::attpc::mesh::{Axis, TrackGrid, slabs_of_c_order};
use crate::kernels::attpc::particle::Particle;
use crate::steps::StepError;
use crate::steps::attpc::mesh::MeshError;
use crate::steps::attpc::stopping_power::StoppingError;

/// A mesh that is ready to be interpolated in.
pub struct TrackMesh {
    info: MeshInfo,
    particle: Particle,
    content: Content,
}

/// A mesh in our order is shared by all processes that open it, any other is brought into it.
enum Content {
    Mapped(NpyFile),
    Owned(Vec<f32>),
}

impl TrackMesh {
    /// Opens a mesh and its description and checks that they belong together.
    pub fn open(mesh: &Path, info: &Path) -> Result<TrackMesh, StepError> {
        let described = read_mesh_info(info)?;
        let particle = Particle::named(&described.particle)
            .map_err(|source| StoppingError::Particle { source })?;
        check(&described, info)?;
        let file = NpyFile::open(mesh)?;
        let header = file.header();
        if header.shape != described.shape {
            let (found, expected) =
                (format!("{:?}", header.shape), format!("{:?}", described.shape));
            let mesh = mesh.display().to_string();
            return Err(MeshError::Shape { mesh, found, expected }.into());
        }
        let content = match (file.numbers(), header.fortran_order) {
            (Numbers::Single(_), true) => Content::Mapped(file),
            (Numbers::Double(numbers), true) => {
                Content::Owned(numbers.iter().map(|number| *number as f32).collect())
            }
            (Numbers::Single(numbers), false) => {
                Content::Owned(slabs_of_c_order(described.shape, numbers))
            }
            (Numbers::Double(numbers), false) => {
                Content::Owned(slabs_of_c_order(described.shape, numbers))
            }
        };
        Ok(TrackMesh { info: described, particle, content })
    }

    /// What the mesh was made of.
    pub fn info(&self) -> &MeshInfo {
        &self.info
    }

    /// Whose tracks these are.
    pub fn particle(&self) -> &Particle {
        &self.particle
    }

    /// The tracks.
    pub fn grid(&self) -> TrackGrid<'_> {
        let info = &self.info;
        let ke = Axis { low: info.ke_min, high: info.ke_max, bins: info.ke_bins };
        let [low, high] = [info.polar_min, info.polar_max].map(f64::to_radians);
        let polar = Axis { low, high, bins: info.polar_bins };
        let nodes = match &self.content {
            Content::Owned(nodes) => nodes.as_slice(),
            Content::Mapped(file) => match file.numbers() {
                Numbers::Single(nodes) => nodes,
                Numbers::Double(_) => unreachable!("only single precision stays mapped"),
            },
        };
        TrackGrid::new([ke, polar], info.time_steps, nodes)
            .expect("shape and axes were found to agree")
    }
}

/// A description agrees with itself.
fn check(info: &MeshInfo, path: &Path) -> Result<(), MeshError> {
    let wrong = |field, found: String, expected| {
        Err(MeshError::Described { info: path.display().to_string(), field, found, expected })
    };
    if info.shape != [info.time_steps, 3, info.ke_bins, info.polar_bins] {
        let expected = "time steps, 3, energies and angles";
        return wrong("shape", format!("{:?}", info.shape), expected);
    }
    if info.shape.contains(&0) {
        return wrong("shape", format!("{:?}", info.shape), "no zero");
    }
    if !(info.ke_min < info.ke_max && info.ke_min > 0.0 && info.ke_max.is_finite()) {
        let found = format!("{} to {} MeV", info.ke_min, info.ke_max);
        return wrong("energies", found, "rising and positive");
    }
    if !(info.polar_min < info.polar_max && info.polar_min >= 0.0 && info.polar_max <= 180.0) {
        let found = format!("{} to {} degrees", info.polar_min, info.polar_max);
        return wrong("angles", found, "rising from 0 to 180");
    }
    Ok(())
}
