//! A second decoder of records, written from the drawing in `wire` and from nothing else: no
//! `bincode`, no `serde`. It shows that the format is ours. It prints what it reads, and panics
//! where it cannot.

pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    fn bytes(&mut self, n: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.bytes(1)[0]
    }

    fn fixed(&mut self, n: usize) -> u128 {
        self.bytes(n).iter().rev().fold(0, |acc, b| acc << 8 | u128::from(*b))
    }

    fn unsigned(&mut self) -> u128 {
        match self.byte() {
            251 => self.fixed(2),
            252 => self.fixed(4),
            253 => self.fixed(8),
            254 => self.fixed(16),
            255 => panic!("reserved"),
            small => u128::from(small),
        }
    }

    fn signed(&mut self) -> i128 {
        let raw = self.unsigned();
        (raw >> 1) as i128 ^ -((raw & 1) as i128)
    }

    fn text(&mut self) -> String {
        let n = self.unsigned() as usize;
        format!("{:?}", std::str::from_utf8(self.bytes(n)).unwrap())
    }

    fn list(&mut self, mut element: impl FnMut(&mut Self) -> String) -> String {
        let n = self.unsigned();
        let elements: Vec<String> = (0..n).map(|_| element(self)).collect();
        format!("[{}]", elements.join(", "))
    }

    fn id(&mut self) -> String {
        match self.unsigned() {
            0 => self.text(),
            1 => format!("{:016x}", self.unsigned()),
            2 => format!("{:032x}", self.unsigned()),
            3 => format!("uuid {:032x}", self.unsigned()),
            other => panic!("id form {other}"),
        }
    }

    fn payload(&mut self) -> String {
        format!("{} bytes {:x} list {}", self.unsigned(), self.unsigned(), self.unsigned())
    }

    fn value(&mut self) -> String {
        match self.unsigned() {
            0 => format!("kind {}", self.byte()),
            1 => format!("level {}", self.byte()),
            2 => format!("flag {}", self.byte()),
            3 => format!("number {}", self.unsigned()),
            4 => format!("float {}", f64::from_bits(self.fixed(8) as u64)),
            5 => format!("time {}", self.signed()),
            6 => format!("id {}", self.id()),
            7 => self.text(),
            8 => self.list(Self::text),
            9 => self.list(|r| format!("{} {}", r.text(), r.unsigned())),
            10 => self.list(|r| format!("{} {}", r.text(), r.signed())),
            11 => self.payload(),
            12 => {
                let text = self.payload();
                let entry = |r: &mut Self| {
                    format!("{} {}+{} {}", r.text(), r.unsigned(), r.unsigned(), r.byte())
                };
                format!("{text} {}", self.list(entry))
            }
            13 => match self.unsigned() {
                1 => format!("subject 1 {} {}", self.id(), self.id()),
                other => format!("subject {other} {}", self.id()),
            },
            14 => format!("score type {}", self.byte()),
            15 => format!("score source {}", self.byte()),
            other => panic!("value {other}"),
        }
    }

    pub(super) fn record(&mut self) -> String {
        let target = match self.unsigned() {
            1 => format!("observation {} {}", self.id(), self.id()),
            0 => format!("trace {}", self.id()),
            2 => format!("score {}", self.id()),
            other => panic!("target {other}"),
        };
        let stamp = format!("at {} operation {}", self.signed(), self.byte());
        let body = match self.unsigned() {
            0 => "tombstone".to_string(),
            _ => self.list(|r| {
                format!("{}{} {}", r.byte(), if r.byte() == 1 { "?" } else { "" }, r.value())
            }),
        };
        format!("{target} {stamp} {body}")
    }
}
