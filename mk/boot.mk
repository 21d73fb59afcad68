# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# The compressed kernel, and what stands before it where no other boot loader
# does: first stages, which share a few files of boot/ and lib/base with the
# kernel but are compiled for themselves: small, and without relocations. All of a
# first stage's file that is not the compressed kernel is our own stub, and more
# than STUB_LIMIT bytes of it fail the build.

STUB_LIMIT := 8192
STUB_FLAGS := $(filter-out -O2 -g -fno-pic -fno-omit-frame-pointer,$(BARE)) -Os -fpie \
	-fomit-frame-pointer -fvisibility=hidden -fdirect-access-external-data -fno-unwind-tables -fno-jump-tables
STUB_SHARED := boot/compressed lib/base

# $(call stub_limit,file,file of the compressed kernel)
define stub_limit
	@bytes=$$(($$(wc -c <$1) - $$(wc -c <$2))); \
		echo "$1: $$bytes bytes before and around the kernel, of $(STUB_LIMIT)" >$1.size; \
		[ $$bytes -lt $(STUB_LIMIT) ] || { cat $1.size >&2; exit 1; }
endef

$(OUT)/kernel.flat: $(OUT)/kernel.elf
	$(Q)llvm-objcopy$(LLVM) -O binary $< $@
$(OUT)/kernel.z: $(OUT)/kernel.flat tools/mkcompressed.py
	@echo "  LZ4   $@"
	$(Q)$(PYTHON) tools/mkcompressed.py --elf $(OUT)/kernel.elf --image $< \
		$(FIXED_$(ARCH)) $@
FIXED_x86_64 := --fixed

# --- UEFI
EFI_x86_64  := BOOTX64.EFI -DEFI_MACHINE=0x8664 -DEFI_CALL='__attribute__((ms_abi))'
EFI_aarch64 := BOOTAA64.EFI -DEFI_MACHINE=0xaa64 -DEFI_CALL=
EFI_NAME := $(firstword $(EFI_$(ARCH)))
ifneq ($(EFI_NAME),)
UEFI_SOURCES := boot/calendar.c $(call whole,boot/uefi boot/compressed) $(call code,$(wildcard lib/base/arch/$(ARCH))) \
	lib/base/checksum.c lib/base/string.c $(if $(wildcard lib/base/arch/$(ARCH)/memory.S),,lib/base/memory.c)
UEFI_OBJECTS := $(call objects,uefi,$(UEFI_SOURCES))
$(eval $(call compile,uefi,$(STUB_FLAGS) $(wordlist 2,9,$(EFI_$(ARCH))) -ffunction-sections \
	-fdata-sections -DKERNEL_FILE='"$(OUT)/kernel.z"',$(UEFI_OBJECTS)))
$(OUT)/obj/uefi/boot/uefi/header.S.o: $(OUT)/kernel.z
$(UEFI_OBJECTS): mk/boot.mk
$(OUT)/uefi.elf: $(UEFI_OBJECTS) boot/uefi/uefi.ld
	@echo "  LINK  $@"
	$(Q)$(LD) -pie --no-dynamic-linker -nostdlib --gc-sections -z norelro -z noexecstack \
		-T boot/uefi/uefi.ld $(UEFI_OBJECTS) -o $@
$(OUT)/$(EFI_NAME): $(OUT)/uefi.elf
	$(Q)llvm-objcopy$(LLVM) -O binary $< $@
	$(call stub_limit,$@,$(OUT)/kernel.z)
FIRST_STAGES += $(OUT)/$(EFI_NAME)
endif

# --- BIOS, for PCs
ifeq ($(ARCH),x86_64)
BIOS_SOURCES := $(call code,boot/bios boot/compressed lib/base/arch/x86_64) lib/base/checksum.c
BIOS_OBJECTS := $(call objects,bios,$(BIOS_SOURCES))
$(eval $(call compile,bios,$(STUB_FLAGS) -fno-pie -ffunction-sections -fdata-sections,$(BIOS_OBJECTS)))
$(BIOS_OBJECTS): mk/boot.mk
$(OUT)/bios.elf: $(BIOS_OBJECTS) boot/bios/bios.ld
	@echo "  LINK  $@"
	$(Q)$(LD) -static -nostdlib --gc-sections -z norelro -z noexecstack \
		-T boot/bios/bios.ld $(BIOS_OBJECTS) -o $@
$(OUT)/bios.stub: $(OUT)/bios.elf
	$(Q)llvm-objcopy$(LLVM) -O binary $< $@
	$(call stub_limit,$@,/dev/null)
FIRST_STAGES += $(OUT)/bios.stub $(OUT)/kernel.z
endif
