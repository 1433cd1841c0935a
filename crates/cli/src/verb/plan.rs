//! `plan SAMPLE`: what a store of events like these will need on this machine.
//!
//! ```text
//! sample > records > calibrate (stores in temporary directories) > Measured
//!                                                                    |  tracekeep-plan: arithmetic
//!                                                     table, JSON, SVG  < Answer
//! ```

use crate::args::Plan;
use crate::exit::{Exit, Failure};
use crate::output::{Out, note};
use crate::scratch;
use std::path::PathBuf;
use tracekeep_plan::{Expected, Measured, plan};

mod calibrate;
mod print;
mod sample;

/// The busiest time, where nobody says: so many times the average.
const PEAK: f64 = 3.0;

pub(super) fn run(args: &Plan, out: &mut Out) -> Result<Exit, Failure> {
    let disk = args.disk.clone().unwrap_or_else(std::env::temp_dir);
    if !disk.is_dir() {
        return Err(Failure::usage(format!("{}: no such directory", disk.display())));
    }
    let sample = sample::read(&args.sample)?;
    if sample.rejected > 0 {
        note(&format!("tracekeep: {} events were left out: import says why", sample.rejected));
    }
    if sample.cut {
        note("tracekeep: the sample is longer than what is measured: its beginning is used");
    }
    let room = scratch::room(&disk)?;
    let measured = calibrate::calibrate(room.path(), &sample.records, args.quick)
        .map_err(|error| Failure::of_store(&disk, &error))?;
    if measured.sizes.points[2].observations < 1.0 {
        return Err(Failure::usage(format!(
            "{}: no observations: the sample must hold what is to be planned for",
            args.sample.display()
        )));
    }
    let answer = plan(&measured, &expected(args, &measured));
    if args.json {
        out.json(&answer)?;
    } else {
        print::print(&answer, out)?;
    }
    if let Some(file) = &args.svg {
        write_page(file, &tracekeep_plan::page::page(&answer))?;
    }
    Ok(Exit::Done)
}

fn expected(args: &Plan, measured: &Measured) -> Expected {
    let retention = args.retention.as_secs_f64();
    let drive = args.drive.unwrap_or(measured.machine.disk_bytes);
    let mut expected = Expected {
        observations_per_second: args.observations_per_second,
        peak_observations_per_second: 0.0,
        retention_seconds: retention,
        payload_retention_seconds: args
            .payload_retention
            .map_or(retention, |time| time.as_secs_f64().min(retention)),
        memory_bytes: args.memory as f64,
        observations: args.observations.map(|n| n as f64),
        drive_writes_per_day: args.drive_writes_per_day,
        drive_bytes: drive as f64,
    };
    expected.peak_observations_per_second = args.peak.unwrap_or(PEAK * expected.rate());
    expected
}

fn write_page(file: &PathBuf, page: &str) -> Result<(), Failure> {
    std::fs::write(file, page).map_err(|error| {
        Failure::refused(format!("{}: cannot write: {error}", file.display()), None)
    })
}
