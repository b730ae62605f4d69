# From the boot loader to kernel_main: 32-bit protected mode without paging to 64-bit code in the
# upper half, over early page tables that map the first 4 GiB twice: where they are, and at the
# start of the direct map. The kernel's own part is mapped a third time where it is linked.
#
# Entered by the PVH boot protocol (QEMU's -kernel, Xen: EBX = hvm_start_info) or by Multiboot2
# (GRUB: EAX = magic, EBX = information). Both promise flat segments, no interrupts, no paging, and
# information below 4 GiB.

.equ KERNEL_OFFSET, 0xffffffff80000000
.equ PRESENT_WRITABLE, 0x3
.equ LARGE_PAGE, 0x83

# Xen's note: the 32-bit entry's physical address (XEN_ELFNOTE_PHYS32_ENTRY = 18).
.section .note.pvh, "a", @note
.balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long pvh_entry

# The Multiboot2 header; it must lie in the first 32 KiB of the file, aligned to 8 bytes.
.section .boot.header, "a", @progbits
.balign 8
multiboot2_header:
    .long 0xe85250d6, 0, multiboot2_header_end - multiboot2_header
    .long -(0xe85250d6 + (multiboot2_header_end - multiboot2_header))
    # Tag 3: the entry, since the ELF header names the other protocol's.
    .short 3, 0
    .long 12, multiboot2_entry
    .balign 8
    # Tag 6: modules start on a page.
    .short 6, 0
    .long 8
    # Tag 0: end.
    .short 0, 0
    .long 8
multiboot2_header_end:

.section .boot.text, "ax", @progbits
.code32
.global pvh_entry
pvh_entry:
    xor esi, esi
    jmp start32
multiboot2_entry:
    mov esi, 1
start32:
    # ESI says which protocol, EDI where its information lies; both stay until kernel_main.
    cli
    cld
    mov edi, ebx

    # 2048 large pages: 4 GiB.
    mov eax, LARGE_PAGE
    mov ebx, offset early_directories
1:  mov [ebx], eax
    mov dword ptr [ebx + 4], 0
    add ebx, 8
    add eax, 0x200000
    jnc 1b

    # The two tables over them: entries 0 to 3 of each, and the kernel's own 2 GiB window.
    mov eax, offset early_directories + PRESENT_WRITABLE
    xor ebx, ebx
2:  mov [early_pointers_low + ebx * 8], eax
    mov [early_pointers_high + ebx * 8], eax
    add eax, 4096
    inc ebx
    cmp ebx, 4
    jne 2b
    mov dword ptr [early_pointers_high + 510 * 8], offset early_directories + PRESENT_WRITABLE
    mov dword ptr [early_root], offset early_pointers_low + PRESENT_WRITABLE
    mov dword ptr [early_root + 511 * 8], offset early_pointers_high + PRESENT_WRITABLE

    # CR4: physical address extension; CR3; EFER: long mode and no-execute; CR0: paging.
    mov eax, 0x20
    mov cr4, eax
    mov eax, offset early_root
    mov cr3, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x900
    wrmsr
    mov eax, 0x80010033
    mov cr0, eax
    lgdt [early_gdt_pointer]
    # A far jump, in bytes because assemblers disagree about its Intel spelling.
    .byte 0xea
    .long start64
    .short 8

.code64
start64:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov rsp, offset KERNEL_STACK + {stack_bytes}
    xor ebp, ebp
    mov eax, edi
    mov edi, esi
    mov esi, eax
    mov rax, offset kernel_main
    call rax
    ud2

.balign 8
early_gdt:
    .quad 0
    # 64-bit code, present, ring 0.
    .quad 0x00af9b000000ffff
early_gdt_pointer:
    .short 15
    .long early_gdt

# Page tables; the loader fills them with zeroes, as it does with all memory that the file does not hold.
.section .boot.tables, "aw", @nobits
.balign 4096
early_root: .skip 4096
early_pointers_low: .skip 4096
early_pointers_high: .skip 4096
early_directories: .skip 4 * 4096

.text
