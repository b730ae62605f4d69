# Entry from user mode and return to it. Names in braces: register names are their offsets in the register
# array of a thread, `context`, `user_stack` and `noted` are offsets in the core's state.

# `syscall`: RCX holds the user's instruction pointer, R11 its flags.
.balign 64
system_call_entry:
    mov [rip + {core} + {user_stack}], rsp
    mov rsp, [rip + {core} + {context}]
    mov [rsp + {rip}], rcx
    mov [rsp + {rflags}], r11
    mov [rsp + {rax}], rax
    mov [rsp + {rbx}], rbx
    mov [rsp + {rcx}], rcx
    mov [rsp + {rdx}], rdx
    mov [rsp + {rsi}], rsi
    mov [rsp + {rdi}], rdi
    mov [rsp + {rbp}], rbp
    mov [rsp + {r8}], r8
    mov [rsp + {r9}], r9
    mov [rsp + {r10}], r10
    mov [rsp + {r11}], r11
    mov [rsp + {r12}], r12
    mov [rsp + {r13}], r13
    mov [rsp + {r14}], r14
    mov [rsp + {r15}], r15
    mov rax, [rip + {core} + {user_stack}]
    mov [rsp + {rsp}], rax
    # The register array is the first part of the thread.
    mov rdi, rsp
hook_system_call:
    lea rsp, [rip + {stack} + {stack_bytes} - 8]
    cmp rdx, {call}
    je {on_call}
    cmp rdx, {reply_receive}
    je {on_reply_receive}
    jmp {on_system_call}

# RAX: the register array of the thread to go on with.
return_to_user:
    mov [rip + {core} + {context}], rax
    mov rcx, [rax + {rcx}]
    mov r11, [rax + {r11}]
    # SYSRET takes the instruction pointer from RCX and the flags from R11: right for a thread whose last
    # entry was `syscall`, and for any other that happens to have the same values there.
    cmp rcx, [rax + {rip}]
    jne 1f
    cmp r11, [rax + {rflags}]
    jne 1f
    mov rbx, [rax + {rbx}]
    mov rdx, [rax + {rdx}]
    mov rsi, [rax + {rsi}]
    mov rdi, [rax + {rdi}]
    mov rbp, [rax + {rbp}]
    mov r8, [rax + {r8}]
    mov r9, [rax + {r9}]
    mov r10, [rax + {r10}]
    mov r12, [rax + {r12}]
    mov r13, [rax + {r13}]
    mov r14, [rax + {r14}]
    mov r15, [rax + {r15}]
    mov rsp, [rax + {rsp}]
    mov rax, [rax + {rax}]
    sysretq
1:  push {user_data}
    push qword ptr [rax + {rsp}]
    push qword ptr [rax + {rflags}]
    push {user_code}
    push qword ptr [rax + {rip}]
    mov rbx, [rax + {rbx}]
    mov rdx, [rax + {rdx}]
    mov rsi, [rax + {rsi}]
    mov rdi, [rax + {rdi}]
    mov rbp, [rax + {rbp}]
    mov r8, [rax + {r8}]
    mov r9, [rax + {r9}]
    mov r10, [rax + {r10}]
    mov r12, [rax + {r12}]
    mov r13, [rax + {r13}]
    mov r14, [rax + {r14}]
    mov r15, [rax + {r15}]
    mov rax, [rax + {rax}]
    iretq

# A trap's stack: vector, error code, then what the processor pushed (RIP, CS, RFLAGS, RSP, SS).
trap_entry:
    cmp qword ptr [rsp], {non_maskable}
    je 2f
    test byte ptr [rsp + 24], 3
    jz 3f
    push rax
    mov rax, [rip + {core} + {context}]
    pop qword ptr [rax + {rax}]
    mov [rax + {rbx}], rbx
    mov [rax + {rcx}], rcx
    mov [rax + {rdx}], rdx
    mov [rax + {rsi}], rsi
    mov [rax + {rdi}], rdi
    mov [rax + {rbp}], rbp
    mov [rax + {r8}], r8
    mov [rax + {r9}], r9
    mov [rax + {r10}], r10
    mov [rax + {r11}], r11
    mov [rax + {r12}], r12
    mov [rax + {r13}], r13
    mov [rax + {r14}], r14
    mov [rax + {r15}], r15
    pop rdi
    pop rsi
    pop qword ptr [rax + {rip}]
    pop rcx
    pop qword ptr [rax + {rflags}]
    pop qword ptr [rax + {rsp}]
    # Unlike SYSCALL, a gate leaves the direction, nested task and alignment check flags as the user set them.
    push 2
    popfq
hook_trap:
    lea rsp, [rip + {stack} + {stack_bytes} - 8]
    cmp rdi, {first_interrupt}
    jae {on_interrupt}
    jmp {on_exception}

    # A non-maskable interrupt does nothing.
2:  add rsp, 16
    iretq

    # From the kernel: an interrupt that was waited for, a barrier that the processor does not have, or a defect.
3:  cmp qword ptr [rsp], {first_interrupt}
    jb 4f
    push rax
    mov rax, [rsp + 8]
    mov [rip + {core} + {noted}], rax
    pop rax
    add rsp, 16
    # Return with interrupts off.
    and dword ptr [rsp + 16], 0xfffffdff
    iretq
4:  pop rdi
    pop rsi
    mov rdx, [rsp]
    # Its WRMSR.
    cmp rdx, offset predictor_barrier + 9
    jne 5f
    mov qword ptr [rsp], offset predictor_barrier_refused
    iretq
5:
    and rsp, -16
    call {on_kernel_exception}
    ud2

# One stub of 16 bytes for each vector. The processor pushes an error code for 8, 10 to 14, 17, 21, 29, 30.
.balign 16
trap_stubs:
.set vector, 0
.rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push 0
    .endif
    # push with an immediate; spelt in bytes because a name would be read as an address.
    .byte 0x68
    .long vector
    jmp trap_entry
    .set vector, vector + 1
.endr
