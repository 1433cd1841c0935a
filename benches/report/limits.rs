//! What the machine gives at best, in the same run.

use crate::common::{agents, folder};
use crate::rounds;
use crate::table::{Table, timed};
use std::hint::black_box;
use tracekeep_measure::disk;

pub(crate) fn limits(table: &mut Table) {
    let source = vec![7u8; 64 << 20];
    let mut target = vec![0u8; 64 << 20];
    let copies: Vec<f64> = (0..rounds())
        .map(|_| {
            let (_, took) = timed(|| black_box(&mut target).copy_from_slice(black_box(&source)));
            source.len() as f64 / took.wall.as_secs_f64() / 1e9
        })
        .collect();
    table.row("memcpy of 64 MiB", &copies, "GB/s", "", "");

    let data = agents(2_000);
    let bytes: Vec<u8> = data.records.iter().flat_map(payloads).flatten().copied().collect();
    let mut compressor = zstd::bulk::Compressor::new(1).unwrap();
    let rates: Vec<f64> = (0..rounds())
        .map(|_| {
            let (_, took) = timed(|| {
                for piece in bytes.chunks(16 << 10) {
                    black_box(compressor.compress(piece).unwrap());
                }
            });
            bytes.len() as f64 / took.cpu.as_secs_f64() / 1e6
        })
        .collect();
    table.row("zstd-1 of agents' payloads, 16 KB each", &rates, "MB/s", "", "");

    for size in [512usize, 4 << 10, 64 << 10] {
        let us = disk::synced_writes(folder().path(), size, 200).unwrap();
        table.row(&format!("write and fdatasync of {size} bytes"), &us, "us", "", "140 to 250");
    }
}

fn payloads(record: &tracekeep::model::Record) -> impl Iterator<Item = &Vec<u8>> {
    record.fields().iter().filter_map(|f| match &f.value {
        tracekeep::model::Value::Payload(bytes) => Some(bytes),
        _ => None,
    })
}
