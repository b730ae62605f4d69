//! What a packet costs at each stage of its way through the tunnel: in the guest, its monitor, `vpn`, `net` and the
//! kernel, up and down, short and long.
//!
//! The guest sends or takes datagrams between two marks, and all that the machine executes there is traced. A few lines of
//! perl do that: they are ready before the first mark, and the second is set when the last packet has arrived. So what is
//! divided among the packets is theirs, but for some ticks.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::attribution::Owner;
use super::guest_command;
use super::program::Program;
use super::tally::{Functions, Tally};
use crate::bench::Abroad;
use crate::commands::pour;
use crate::progress::step;
use crate::scenario::foreign::{self, Make};
use crate::workspace::{self, Metadata};

/// Packets that are traced: so few that the peer's keys do not grow old meanwhile, in the host's time.
const PACKETS: u64 = 150;
/// Bytes of headers in a datagram's packet.
const HEADERS: u64 = 28;

/// Where packets come by; whatever else executes something stands behind them.
const STAGES: [&str; 5] = [
    "the guest",
    "vmm-partition",
    "vpn-server",
    "net-server",
    "kernel-image",
];

/// Which way packets go, and how many bytes each has.
#[derive(Clone, Copy)]
enum Way {
    Up(u64),
    Down(u64),
}

const WAYS: [Way; 4] = [Way::Up(1400), Way::Down(1400), Way::Up(64), Way::Down(64)];

/// Prints a table with a column for each way, and before it for each way `most` functions of each program.
pub(crate) fn profile(metadata: &Metadata, most: usize) -> Result<()> {
    if let Some(why) = foreign::obstacle(Make::WireguardGo)? {
        anyhow::bail!("the tunnel cannot be traced: {why}");
    }
    let mut columns = Vec::new();
    for way in WAYS {
        let folder = workspace::path("target/profile");
        let abroad = Abroad::ours(metadata, &folder, &script(way))?;
        let programs = guest_command::programs(metadata, &folder)?;
        let (programs, tally) = step(&format!("Tracing packets {}", name(way)), || {
            guest_command::trace(&abroad.machine, programs)
        })?;
        println!("{}", name(way));
        let functions = Functions::of(&programs, std::iter::once(&tally))?;
        functions.print(&tally, PACKETS, most);
        columns.push(by_stage(&programs, &tally)?);
    }
    print!("{}", table(&columns));
    Ok(())
}

fn name(way: Way) -> String {
    match way {
        Way::Up(length) => format!("up, {length}"),
        Way::Down(length) => format!("down, {length}"),
    }
}

/// What the guest does. Nobody answers datagrams without a request in them; one at the end is answered when all before it
/// have left. What may be lost is asked for again. Its file system is taken away first, since Linux goes on with making a
/// new one in the background. The numbers are Linux's for x86_64: AF_INET, SOCK_DGRAM,
/// UDP, SO_RCVTIMEO.
fn script(way: Way) -> String {
    let port = pour::PORT;
    let each = pour::TOLD_EACH;
    let doing = match way {
        Way::Up(length) => format!(
            "my $data = 'x' x {};\n\
             sub work {{ syswrite(S, $data) for 1 .. {PACKETS};\n\
             do {{ syswrite(S, '1 8') }} until defined sysread(S, $_, 2048) }}",
            length - HEADERS
        ),
        Way::Down(length) => format!(
            "sub work {{ my $got = 0;\n\
             while ($got < {PACKETS}) {{ syswrite(S, ({PACKETS} - $got) . ' {}');\n\
             while ($got < {PACKETS} && defined sysread(S, $_, 2048)) {{\n\
             syswrite(S, $got) if ++$got % {each} == 0 }} }} }}",
            length - HEADERS
        ),
    };
    format!(
        "umount /data\nuntil ping -c 1 -W 1 10.66.0.1; do sleep 1; done\nsleep 5\n\
         cat >/tmp/work <<'END'\n\
         socket(S, 2, 2, 17) or die;\n\
         setsockopt(S, 1, 20, pack('qq', 2, 0)) or die;\n\
         connect(S, pack('Sna4x8', 2, {port}, pack('C4', 10,66,0,1))) or die;\n\
         open(T, '>', '/dev/ttyS0') or die;\n\
         {doing}\n\
         syswrite(T, \"profile-begin\\n\");\n\
         select(undef, undef, undef, 0.3);\n\
         work();\n\
         syswrite(T, \"profile-end\\n\");\n\
         select(undef, undef, undef, 1);\n\
         END\n\
         perl /tmp/work\n"
    )
}

/// Instructions for a packet, by stage and, last, elsewhere.
fn by_stage(programs: &[Program], tally: &Tally) -> Result<Vec<u64>> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (owner, count) in tally.by_owner() {
        let name = match owner {
            Owner::Guest => STAGES[0],
            Owner::Program(program) => programs[program].name.as_str(),
            Owner::Unknown => "",
        };
        *sums.entry(name).or_default() += count;
    }
    let mut column = Vec::new();
    for stage in STAGES {
        let sum = sums.remove(stage).unwrap_or(0);
        ensure!(sum > 0, "{stage} was not seen");
        column.push(sum);
    }
    column.push(sums.values().sum());
    Ok(column.into_iter().map(|sum| sum / PACKETS).collect())
}

/// The table as docs/figures.md has it.
fn table(columns: &[Vec<u64>]) -> String {
    let row = |first: &str, cells: Vec<String>| format!("| {first} | {} |\n", cells.join(" | "));
    let mut text = row("", WAYS.map(name).to_vec());
    text += &row("---", vec!["---:".into(); WAYS.len()]);
    for (index, stage) in STAGES.iter().chain(&["all others"]).enumerate() {
        let cells = columns.iter().map(|column| column[index].to_string());
        text += &row(stage, cells.collect());
    }
    let sums = columns
        .iter()
        .map(|column| column.iter().sum::<u64>().to_string());
    text + &row("together", sums.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_stages_and_columns_ways() {
        let columns: Vec<Vec<u64>> = (1..=4).map(|way| vec![way; 6]).collect();
        let table = table(&columns);
        assert!(table.starts_with("|  | up, 1400 | down, 1400 | up, 64 | down, 64 |\n| --- |"));
        assert!(table.contains("| net-server | 1 | 2 | 3 | 4 |\n"));
        assert!(table.ends_with("| together | 6 | 12 | 18 | 24 |\n"));
    }
}
