//! The description beside a mesh of tracks: Spyral's keys and ours, as JSON.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::error::DataError;

/// Version of what this program adds to Spyral's description.
const FORMAT_VERSION: u32 = 1;

/// What a mesh was made of. The first keys are Spyral 1.1's, in its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeshInfo {
    /// Mass number and symbol, such as `2H`.
    pub particle: String,
    /// Spyral's text for the gas.
    pub gas: String,
    /// T
    pub bfield: f64,
    /// V/m
    pub efield: f64,
    pub time_steps: usize,
    /// MeV
    pub ke_min: f64,
    /// MeV
    pub ke_max: f64,
    pub ke_bins: usize,
    /// Degrees
    pub polar_min: f64,
    /// Degrees
    pub polar_max: f64,
    pub polar_bins: usize,
    /// Time steps, components, energies, angles.
    pub shape: [usize; 4],
    /// NumPy's name of the type.
    pub dtype: String,
    /// What Spyral does not write; absent in its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attpc: Option<MeshOrigin>,
}

/// What this program adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeshOrigin {
    pub format_version: u32,
    #[serde(rename = "Z")]
    pub z: u32,
    #[serde(rename = "A")]
    pub a: u32,
    /// Mass of the nucleus.
    pub mass_mev: f64,
    pub pressure_torr: f64,
    pub density_g_per_cm3: f64,
    /// `built-in` or `table`.
    pub stopping: String,
    /// First and last of the common times.
    pub times_s: [f64; 2],
}

impl MeshOrigin {
    /// The version of the description that this program writes.
    pub fn version() -> u32 {
        FORMAT_VERSION
    }
}

/// Reads a description, Spyral's or ours.
pub fn read_mesh_info(path: &Path) -> Result<MeshInfo, DataError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DataError::Open { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|source| {
        let expected = "the description of a track mesh";
        DataError::Json { path: path.to_owned(), expected, source }
    })
}

/// Writes a description; the same content gives the same bytes.
pub fn write_mesh_info(path: &Path, info: &MeshInfo) -> Result<(), DataError> {
    let mut text = serde_json::to_string_pretty(info).expect("numbers and texts become JSON");
    text.push('\n');
    std::fs::write(path, text).map_err(|source| DataError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_of_spyral_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mesh.json");
        let text = r#"{"particle": "1H", "gas": "(Gas)<sup>2</sup>H<sub>2</sub>", "bfield": 2.85,
            "efield": 45000.0, "time_steps": 300, "ke_min": 1.0, "ke_max": 8.0, "ke_bins": 24,
            "polar_min": 92.0, "polar_max": 150.0, "polar_bins": 30, "shape": [300, 3, 24, 30],
            "dtype": "float64"}"#;
        std::fs::write(&path, text).unwrap();
        let info = read_mesh_info(&path).unwrap();
        assert_eq!((info.shape, info.attpc.clone()), ([300, 3, 24, 30], None));
        write_mesh_info(&path, &info).unwrap();
        assert_eq!(read_mesh_info(&path).unwrap(), info);
        std::fs::write(&path, text.replace("ke_bins", "bins")).unwrap();
        let error = read_mesh_info(&path).unwrap_err();
        assert!(error.to_string().starts_with("not the description of a track mesh: `"));
    }
}
