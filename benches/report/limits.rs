//! What the machine gives at best, in the same run.

use crate::common::{agents, folder};
use crate::rounds;
use crate::table::{Table, timed};
use std::hint::black_box;
use std::os::unix::fs::FileExt;

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
        let us = synced_writes(size, 200);
        table.row(&format!("write and fdatasync of {size} bytes"), &us, "us", "", "140 to 250");
    }
}

fn payloads(record: &tracekeep::model::Record) -> impl Iterator<Item = &Vec<u8>> {
    record.fields().iter().filter_map(|f| match &f.value {
        tracekeep::model::Value::Payload(bytes) => Some(bytes),
        _ => None,
    })
}

/// Microseconds of each of `count` appends of `size` bytes to a file with reserved space.
fn synced_writes(size: usize, count: usize) -> Vec<f64> {
    let folder = folder();
    let file = std::fs::File::create(folder.path().join("log")).unwrap();
    let keep = rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, keep, 0, (size * count) as u64).unwrap();
    let bytes = vec![1u8; size];
    let one = |n: usize| {
        let (_, took) = timed(|| {
            file.write_all_at(&bytes, (n * size) as u64).unwrap();
            file.sync_data().unwrap();
        });
        took.wall.as_secs_f64() * 1e6
    };
    (0..count).map(one).collect()
}
