//! One figure, and how figures are shown.

use serde_json::{Map, Value, json};

use super::comparison;

/// One figure.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Figure {
    /// Lower-case words joined by dashes.
    pub(crate) name: String,
    pub(crate) value: u64,
    /// What is counted.
    pub(crate) unit: String,
}

impl Figure {
    pub(crate) fn new(name: &str, value: u64, unit: &str) -> Figure {
        Figure {
            name: name.into(),
            value,
            unit: unit.into(),
        }
    }

    /// Reads a line `figure NAME VALUE UNIT` of a bench image, or of a component on the console; other lines
    /// are none.
    pub(crate) fn parse(line: &str) -> Option<Figure> {
        let line = match line
            .strip_prefix('[')
            .and_then(|line| line.split_once("] "))
        {
            Some((_component, said)) => said,
            None => line,
        };
        let mut words = line.trim().strip_prefix("figure ")?.split_whitespace();
        let (name, value) = (words.next()?, words.next()?.parse().ok()?);
        let unit = words.collect::<Vec<_>>().join(" ");
        (!unit.is_empty()).then(|| Figure::new(name, value, &unit))
    }
}

/// A number with its thousands apart.
pub(super) fn readable(value: u64) -> String {
    let digits = value.to_string();
    let mut readable = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            readable.push(',');
        }
        readable.push(digit);
    }
    readable
}

/// The figures as one JSON object: name to value and unit, and where there are, to others' values, the most
/// that we aim at, and whether that is met.
pub(crate) fn to_json(figures: &[Figure]) -> Value {
    let entry = |figure: &Figure| {
        let mut content = json!({ "value": figure.value, "unit": figure.unit });
        let others = comparison::of(&figure.name).map_or("", |comparison| comparison.others);
        if !others.is_empty() {
            content["others"] = others.into();
        }
        if let Some(verdict) = comparison::verdict(figure, figures) {
            content["aim"] = verdict.at_most.into();
            content["met"] = verdict.is_met.into();
        }
        (figure.name.clone(), content)
    };
    Value::Object(figures.iter().map(entry).collect::<Map<_, _>>())
}

/// What is aimed at and whether it is met, in words; nothing for a figure without aim.
pub(super) fn aim(figure: &Figure, figures: &[Figure]) -> String {
    comparison::verdict(figure, figures).map_or(String::new(), |verdict| {
        let result = if verdict.is_met { "met" } else { "missed" };
        format!("at most {}: {result}", readable(verdict.at_most))
    })
}

/// The figures as a table for people.
pub(crate) fn to_table(figures: &[Figure]) -> String {
    let width = figures.iter().map(|figure| figure.name.len()).max();
    let width = width.unwrap_or(0);
    let row = |figure: &Figure| {
        let line = format!(
            "{:width$} {:>16} {:12} {}",
            figure.name,
            readable(figure.value),
            figure.unit,
            aim(figure, figures)
        );
        format!("{}\n", line.trim_end())
    };
    figures.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_bench_images_are_read() {
        assert_eq!(
            Figure::parse("figure call-one-way 212 instructions\r"),
            Some(Figure::new("call-one-way", 212, "instructions"))
        );
        assert_eq!(
            Figure::parse("[check] figure net-send-64 900 instructions"),
            Some(Figure::new("net-send-64", 900, "instructions"))
        );
        assert_eq!(Figure::parse("figure call-one-way fast"), None);
        assert_eq!(Figure::parse("figure call-one-way 212"), None);
        assert_eq!(Figure::parse("a figure x 1 y"), None);
    }

    #[test]
    fn json_says_whether_aims_are_met() {
        let figures = [
            Figure::new("guest-cpuid", 901, "instructions"),
            Figure::new("kernel-image", 5, "bytes"),
        ];
        let expected = json!({
            "guest-cpuid": {
                "value": 901, "unit": "instructions", "others": "KVM 2,765", "aim": 900, "met": false
            },
            "kernel-image": { "value": 5, "unit": "bytes" },
        });
        assert_eq!(to_json(&figures), expected);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(readable(999), "999");
        assert_eq!(readable(1000), "1,000");
        assert_eq!(readable(12_345_678), "12,345,678");
    }
}
