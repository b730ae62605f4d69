//! Settings of the system manifest.

use compiled_manifest::Value;

use super::builder::Builder;
use crate::source::SettingValue;

pub(super) fn add(builder: &mut Builder<'_>) {
    let sources = builder.sources;
    for (index, (component, needs)) in sources.components().enumerate() {
        for need in needs
            .parameter
            .iter()
            .filter(|need| need.is_given_at_boot())
        {
            builder.setting(index, need.name.get_ref().clone(), Value::BootTime);
        }
        for setting in &component.parameter {
            let name = setting.need.get_ref().clone();
            builder.setting(index, name, value(setting.value.get_ref()));
        }
    }
}

/// The value as it is compiled.
pub(super) fn value(value: &SettingValue) -> Value {
    match value {
        SettingValue::Integer(number) => Value::Integer(*number),
        SettingValue::Text(text) => Value::Text(text.clone()),
    }
}
