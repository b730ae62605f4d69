//! A parameter's value is of the type that the component asks for.

use crate::diagnostic::Report;
use crate::source::{ParameterType, SettingValue, Sources};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    for (component, needs) in sources.components() {
        for setting in &component.parameter {
            let name = setting.need.get_ref();
            let Some(need) = needs.parameter.iter().find(|need| need.matches(name)) else {
                continue;
            };
            let sentence = match (need.value_type.get_ref(), setting.value.get_ref()) {
                (ParameterType::Integer, SettingValue::Text(_)) => "must be a number",
                (ParameterType::Text, SettingValue::Integer(_)) => "must be a text",
                _ => continue,
            };
            report.add(
                sources.system.at(&setting.value),
                format!("`{name}` {sentence}"),
            );
        }
    }
}
