//! Requests, priorities, and register accesses.

use super::{
    registers::{
        BASE_VALUE, CURRENT_COUNT, DIVIDE, END_OF_INTERRUPT, ERROR_STATUS, ID, IN_SERVICE,
        INITIAL_COUNT, INTERRUPT_COMMAND, LOGICAL_DESTINATION, LVT_ERROR, LVT_MACHINE_CHECK,
        LVT_MASKED, LVT_TIMER, PROCESSOR_PRIORITY, REQUESTED, REQUESTED_LAST, SELF_INTERRUPT,
        SPURIOUS, TASK_PRIORITY, TIMER_MODE_SHIFT, TRIGGER_MODE, VERSION, VERSION_VALUE,
    },
    state::{AccessError, LocalApic},
};
use crate::{
    clock::Clock,
    interrupt::Message,
    number::{high_u32, low_u8, low_u32},
};

/// Where local vector register `register` is kept.
fn local_vector(register: u32) -> Option<usize> {
    match register {
        LVT_MACHINE_CHECK => Some(0),
        LVT_TIMER..=LVT_ERROR => usize::try_from(register - LVT_TIMER + 1).ok(),
        _ => None,
    }
}

impl LocalApic {
    /// A vector is requested.
    pub(crate) fn request(&mut self, vector: u8, level: bool) {
        // Vectors below 16 are illegal (Intel SDM volume 3, 11.5.2).
        if vector < 16 || !self.enabled() {
            return;
        }
        self.requested.insert(vector);
        if level {
            self.level.insert(vector);
        } else {
            self.level.remove(vector);
        }
    }

    /// The vector that the CPU should take next, if its priority is above what it is doing.
    pub(crate) fn deliverable(&self, cr8: u64) -> Option<u8> {
        let vector = self.requested.highest()?;
        let serving = self.in_service.highest().unwrap_or(0) >> 4;
        let task = low_u8(cr8 & 0xf);
        (vector >> 4 > serving.max(task)).then_some(vector)
    }

    /// Whether no vector waits to be taken.
    pub(crate) fn is_nothing_requested(&self) -> bool {
        self.requested.highest().is_none()
    }

    /// Whether `vector` is the only one that waits, none is in service, and the I/O APIC needs not know its end.
    pub(crate) fn is_alone(&self, vector: u8) -> bool {
        self.requested.is_only(vector)
            && self.in_service.highest().is_none()
            && !self.level.contains(vector)
    }

    /// The CPU took `vector`.
    pub(crate) fn begin_service(&mut self, vector: u8) {
        self.requested.remove(vector);
        self.in_service.insert(vector);
    }

    /// The delivery of `vector` was interrupted before its handler's first instruction.
    pub(crate) fn undo_service(&mut self, vector: u8) {
        self.in_service.remove(vector);
        self.requested.insert(vector);
    }

    /// The guest ended a service; answers the vector if the I/O APIC must know.
    pub(crate) fn end_of_interrupt(&mut self) -> Option<u8> {
        let vector = self.in_service.highest()?;
        self.in_service.remove(vector);
        self.level.contains(vector).then_some(vector)
    }

    /// CR8 as the task priority register implies it.
    pub(crate) fn cr8(&self) -> u64 {
        u64::from(self.task_priority >> 4)
    }

    /// Takes over what the guest did to CR8.
    pub(crate) fn set_cr8(&mut self, cr8: u64) {
        if self.cr8() != cr8 & 0xf {
            self.task_priority = low_u8((cr8 & 0xf) << 4);
        }
    }

    /// IA32_APIC_BASE.
    pub(crate) fn base(&self) -> u64 {
        BASE_VALUE
    }

    /// A write to IA32_APIC_BASE: anything but what it is would leave x2APIC mode or move the page.
    pub(crate) fn set_base(&mut self, value: u64) -> Result<(), AccessError> {
        if value == BASE_VALUE {
            Ok(())
        } else {
            Err(AccessError)
        }
    }

    /// Reads register `register` (MSR number minus 0x800).
    pub(crate) fn read(&self, register: u32, clock: &Clock, now: u64) -> Result<u64, AccessError> {
        if let Some(index) = local_vector(register) {
            return Ok(self.local_vectors.get(index).copied().unwrap_or(0));
        }
        Ok(match register {
            ID | ERROR_STATUS => 0,
            VERSION => VERSION_VALUE,
            TASK_PRIORITY => u64::from(self.task_priority),
            PROCESSOR_PRIORITY => u64::from(self.processor_priority()),
            // Cluster 0, first CPU of it (Intel SDM volume 3, 11.12.10.2).
            LOGICAL_DESTINATION => 1,
            SPURIOUS => self.spurious,
            IN_SERVICE..TRIGGER_MODE => self.in_service.register(register - IN_SERVICE),
            TRIGGER_MODE..REQUESTED => self.level.register(register - TRIGGER_MODE),
            REQUESTED..=REQUESTED_LAST => self.requested.register(register - REQUESTED),
            INTERRUPT_COMMAND => self.command,
            INITIAL_COUNT => u64::from(self.timer.initial_count),
            CURRENT_COUNT => self.timer.count(clock, now),
            DIVIDE => u64::from(self.timer.divide),
            _ => return Err(AccessError),
        })
    }

    /// Writes a register other than end of interrupt; an interrupt command may answer a message.
    pub(crate) fn write(
        &mut self,
        register: u32,
        value: u64,
        clock: &Clock,
        now: u64,
    ) -> Result<Option<Message>, AccessError> {
        if register != INTERRUPT_COMMAND && high_u32(value) != 0 {
            return Err(AccessError);
        }
        if let Some(index) = local_vector(register) {
            self.write_local_vector(index, value);
            return Ok(None);
        }
        match register {
            TASK_PRIORITY if value <= 0xff => self.task_priority = low_u8(value),
            SPURIOUS => self.write_spurious(value),
            ERROR_STATUS if value == 0 => {}
            INTERRUPT_COMMAND => return Ok(self.write_command(value)),
            INITIAL_COUNT => self.timer.start(low_u32(value), clock, now),
            DIVIDE => self.timer.divide = low_u8(value & 0xb),
            SELF_INTERRUPT if value <= 0xff => self.request(low_u8(value), false),
            _ => return Err(AccessError),
        }
        Ok(None)
    }

    /// Whether `register` is the one that ends an interrupt.
    pub(crate) fn is_end_of_interrupt(register: u32) -> bool {
        register == END_OF_INTERRUPT
    }

    /// Whether `register` changes the task priority.
    pub(crate) fn is_task_priority(register: u32) -> bool {
        register == TASK_PRIORITY
    }

    /// Reads IA32_TSC_DEADLINE.
    pub(crate) fn timer_deadline_register(&self) -> u64 {
        self.timer.deadline_register()
    }

    /// Writes IA32_TSC_DEADLINE.
    pub(crate) fn set_timer_deadline(&mut self, deadline: u64) {
        self.timer.set_deadline(deadline);
    }

    /// When the timer is to be looked at.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.timer.deadline
    }

    /// Requests the timer's vector if its time has come.
    pub(crate) fn poll_timer(&mut self, clock: &Clock, now: u64) {
        if self.timer.expire(clock, now) {
            let local_vector = self.local_vectors[1];
            if local_vector & LVT_MASKED == 0 {
                self.request(low_u8(local_vector), false);
            }
        }
    }

    fn processor_priority(&self) -> u8 {
        let serving = self.in_service.highest().unwrap_or(0) & 0xf0;
        if self.task_priority >= serving {
            self.task_priority
        } else {
            serving
        }
    }

    fn write_local_vector(&mut self, index: usize, value: u64) {
        let mut kept = value & 0x0007_a7ff;
        if !self.enabled() {
            kept |= LVT_MASKED;
        }
        if let Some(local_vector) = self.local_vectors.get_mut(index) {
            *local_vector = kept;
        }
        if index == 1 {
            self.timer.set_mode(value >> TIMER_MODE_SHIFT);
        }
    }

    /// Switching the controller off masks every local vector (Intel SDM volume 3, 11.4.7.2).
    fn write_spurious(&mut self, value: u64) {
        self.spurious = value & 0x1ff;
        if !self.enabled() {
            for local_vector in &mut self.local_vectors {
                *local_vector |= LVT_MASKED;
            }
        }
    }

    /// Sends an interrupt, if it reaches the one CPU: shorthand [19:18], logical 11, destination [63:32].
    fn write_command(&mut self, value: u64) -> Option<Message> {
        self.command = value & 0xffff_ffff_000c_cfff;
        let destination = high_u32(value);
        let reaches = match (value >> 18) & 3 {
            1 | 2 => true,
            3 => false,
            _ if destination == u32::MAX => true,
            _ if value & (1 << 11) != 0 => destination >> 16 == 0 && destination & 1 != 0,
            _ => destination == 0,
        };
        reaches.then(|| Message::from_fields(value, false))
    }
}
