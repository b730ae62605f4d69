# The kernel's returns, and what it does at its borders against speculation (docs/mitigations.md).
#
# As linked, everything here does nothing: returns are returns. At boot `patch` replaces hooks, five bytes or
# more of code, by jumps to what stands here, and every jump to __x86_return_thunk, which is how the compiler
# spells a return, by a return or by a jump to another kind of return.

# Measures, any of which counts; hook; where it then leads. The thunk itself stands for all jumps to it.
.section .rodata
.balign 8
.global speculation_hooks
speculation_hooks:
    .quad {safe_returns}, __x86_return_thunk, return_safely
    .quad {untrained_returns}, __x86_return_thunk, return_untrained
    .quad {safe_returns}, untrain, untrain_safe + {alias}
    .quad {untrained_returns}, untrain, untrain_overlapping
    .quad {safe_returns} + {untrained_returns}, hook_system_call, guarded_system_call
    .quad {safe_returns} + {untrained_returns}, hook_trap, guarded_trap
    .quad {safe_returns} + {untrained_returns} + {filled_returns}, return_filled, fill_and_return
    .quad {cleared_buffers} + {divide}, return_to_user, guarded_return_to_user
    .quad {cleared_buffers} + {divide}, {run}, guarded_run

# This page starts the text, so that bits 14 and 20 of its address are clear; the kernel's space maps it a
# second time with these bits set.
.section .text.returns, "ax", @progbits
.balign 4096

# Zen 3 and 4. At {alias} from here its address differs from that of the return below in bits 2, 8, 14 and
# 20 only. The predictor keeps one entry for both places, and what runs here takes it from whoever planted one.
untrain_safe:
    .byte 0x66, 0x90
    lfence
    jmp return_safely - {alias}
    int3

# Zen 1 and 2. Run from its first byte this is a test of a register, so that the predictor loses what it
# was taught about the second one, which is a return at the start of a line of the cache.
.balign 64
    .skip 63, 0xcc
untrain_overlapping:
    .byte 0xf6
return_untrained:
    ret
    int3
    lfence
    jmp return_untrained
    int3

    .skip 0x104 - (. - untrain_safe), 0xcc
# The caller's return address lies above the one that leads to the trap, which is what the predictor expects.
drop_and_return:
    lea rsp, [rsp + 8]
    ret
    int3
return_safely:
    call drop_and_return
    ud2

.text

.global __x86_return_thunk
__x86_return_thunk:
    ret
    int3

# Hook: makes the predictor forget what user mode or a guest planted for the kernel's returns.
untrain:
    ret
    .skip 4, 0xcc

# Hook: a return after which the predictor knows no returns but the kernel's own. Uses RCX.
return_filled:
    ret
    .skip 4, 0xcc
fill_and_return:
    mov ecx, 16
1:  call 2f
    int3
2:  call 3f
    int3
3:  add rsp, 16
    dec ecx
    jnz 1b
    lfence
    call untrain
    jmp __x86_return_thunk

# Writes EDI to PRED_CMD; answers whether the processor has what that asks for. Where it faults, `entry.s`
# goes on below.
predictor_barrier:
    mov ecx, 0x49
    mov eax, edi
    xor edx, edx
    wrmsr
    mov eax, 1
    jmp return_filled
predictor_barrier_refused:
    xor eax, eax
    jmp __x86_return_thunk

guarded_system_call:
    lea rsp, [rip + {stack} + {stack_bytes} - 8]
    call untrain
    jmp hook_system_call + 7

guarded_trap:
    lea rsp, [rip + {stack} + {stack_bytes} - 8]
    call untrain
    jmp hook_trap + 7

guarded_return_to_user:
    mov [rip + {core} + {context}], rax
    mov r8, rax
    call clear_buffers
    mov rax, r8
    jmp return_to_user + 7

guarded_run:
    push rbx
    push rbp
    push r12
    push r13
    mov r8, rdx
    call clear_buffers
    mov rdx, r8
    jmp {run} + 6

# Overwrites the divider's last result, and what loads and stores left in buffers. Uses RAX, RCX, RDX.
clear_buffers:
    xor eax, eax
    xor edx, edx
    mov ecx, 1
    div ecx
    verw word ptr [rip + 1f]
    jmp __x86_return_thunk
1:  .short {user_data}
