# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# The build. `make ARCH=x86_64 BUILD=release|debug [BUG=n]` makes in
# build/<ARCH>-<BUILD>/: gen/ (from abi/), kernel.elf, <component>.elf for every
# component, boot.tar. Goals: all (default), gen, kernel, <component>, boot.tar,
# layout (accept a changed interface), check (rooms, generator), and those of
# mk/host.mk: unit, model, fuzz. A folder drivers/*/*, services/*,
# personalities/*, apps/* or examples/* with C files is a component; its
# component.mk may add to SOURCES, FLAGS, LINK_FLAGS and PORTS.
# kernel/flags.mk may set FLAGS_<file> for one file.

ARCH  ?= x86_64
BUILD ?= release
OUT   := build/$(ARCH)-$(BUILD)$(if $(BUG),-bug$(BUG))
LLVM  ?= -19
CC    := clang$(LLVM)
LD    := ld.lld$(LLVM)
AR    := llvm-ar$(LLVM)
STRIP := llvm-objcopy$(LLVM) -S
PYTHON ?= python3
Q     := $(if $(V),,@)# make V=1 shows the commands
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

# What an architecture is compiled with (nothing of ours uses floating point),
# what boots it, and the form of the kernel that its firmware loads.
TARGET_x86_64  := x86_64-unknown-none-elf -mgeneral-regs-only -mno-red-zone
KERNEL_x86_64  := -mcmodel=kernel
BOOT_x86_64    := boot/acpi boot/handoff boot/multiboot2 boot/pc boot/pvh
TARGET_aarch64 := aarch64-unknown-none-elf -march=armv8.1-a -mgeneral-regs-only
KERNEL_aarch64 := -mbranch-protection=bti
BOOT_aarch64   := boot/acpi boot/fdt boot/handoff
TARGET_riscv64 := riscv64-unknown-none-elf -march=rv64imac_zicsr_zifencei -mabi=lp64 \
	-mcmodel=medany
BOOT_riscv64   := boot/fdt boot/handoff
IMAGE := $(if $(filter x86_64,$(ARCH)),,$(OUT)/kernel.image)
$(if $(TARGET_$(ARCH)),,$(error ARCH=$(ARCH): x86_64, aarch64 or riscv64))
# What an architecture has to supply (kernel/arch/README.md); functions that are
# missing besides are named by the linker.
NEEDED := $(addprefix kernel/arch/$(ARCH)/,arch_types.h arch_inline.h offsets.c kernel.ld) \
	$(foreach f,abi:registers.h lib/sys:syscall.h lib/sys:counter.h lib/sys:start.S \
	lib/ipc:message_arch.h apps/kernel-test:machine.h apps/kernel-bench:bench_arch.h \
	$(addprefix personalities/linux:,coverage.h cpu.c exception.c guest_copy.S linux_abi.h \
	machine_frame.c registers.h),$(subst :,/arch/$(ARCH)/,$f))
LACKING := $(filter-out $(wildcard $(NEEDED)),$(NEEDED))
$(if $(LACKING),$(error ARCH=$(ARCH) lacks $(LACKING)))
$(if $(filter release debug,$(BUILD)),,$(error BUILD=$(BUILD): release or debug))
include $(wildcard kernel/flags.mk)
COMMON := -std=c2x -Wall -Wextra -Werror -O2 -g -MMD -MP -I. -I$(OUT) \
	-ffile-prefix-map=$(CURDIR)=. $(if $(filter debug,$(BUILD)),-DKOCHAB_DEBUG=1) \
	$(if $(BUG),-DBUG_$(BUG)=1)
BARE   := $(COMMON) -target $(TARGET_$(ARCH)) -ffreestanding -fno-pic \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer
# Optimised as a whole; inlining small functions only makes it smaller and faster.
KERNEL_FLAGS := $(BARE) -flto=full -DKOCHAB_KERNEL=1 $(KERNEL_$(ARCH))
USER_FLAGS   := $(BARE) -ffunction-sections -fdata-sections
LINK_FLAGS_ALL := -static -nostdlib --discard-locals -z max-page-size=4096 -z noexecstack --build-id=sha1

# Sources of a folder; with the architecture's: its file replaces the generic
# one of the same name.
code  = $(wildcard $(addsuffix /*.c,$1) $(addsuffix /*.S,$1))
arch  = $(call code,$(addsuffix /arch/$(ARCH),$1))
whole = $(foreach d,$1,$(call arch,$d) $(filter-out $(addsuffix .c,$(addprefix \
	$d/,$(basename $(notdir $(call arch,$d))))),$(call code,$d)))
# $(call objects,folder of the objects,sources)
objects = $(patsubst %,$(OUT)/obj/$1/%.o,$2)

# --- what is generated
GEN := $(OUT)/gen/.stamp
ARCH_HEADERS := $(wildcard kernel/arch/$(ARCH)/arch_types.h kernel/arch/$(ARCH)/arch_inline.h)
$(GEN): $(wildcard abi/*.idl abi/*.def abi/layout.txt tools/idlc/*.py) $(ARCH_HEADERS) Makefile
	@echo "  IDLC  $(@D)"
	$(Q)$(PYTHON) tools/idlc -o $(@D) abi
	@for f in $(ARCH_HEADERS); do echo "#include \"$$f\"" | cmp -s - $(@D)/$${f##*/} || \
		echo "#include \"$$f\"" > $(@D)/$${f##*/}; done
	@touch $@
layout:
	$(PYTHON) tools/idlc --layout abi > abi/layout.new && mv abi/layout.new abi/layout.txt

# $(call compile,folder of the objects,flags,objects)
define compile
$(OUT)/obj/$1/%.c.o: %.c Makefile | $(GEN)
	@mkdir -p $$(@D)
	$(if $(Q),@echo "  CC    $$<")
	$(Q)$(CC) $2 $$(FLAGS_$$<) -c $$< -o $$@
$(OUT)/obj/$1/%.S.o: %.S Makefile | $(GEN)
	@mkdir -p $$(@D)
	$(if $(Q),@echo "  CC    $$<")
	$(Q)$(CC) $2 $$(FLAGS_$$<) -c $$< -o $$@
-include $$(patsubst %.o,%.d,$3)
endef

# --- the kernel
KERNEL_SOURCES := $(call whole,lib/base lib/tar) \
	$(filter-out %/offsets.c,$(call code,kernel $(filter-out kernel/arch $(if $(filter release,$(BUILD)),kernel/debug),\
		$(patsubst %/,%,$(wildcard kernel/*/))) \
		kernel/arch/$(ARCH) boot boot/program $(BOOT_$(ARCH)))) $(OUT)/gen/kernel/syscall_decode.c
# Device trees are read through libfdt; host tests do so too.
FDT_FLAGS := -Iboot/fdt/libc -Ibuild/ports/libfdt
FDT_SOURCES := $(addprefix build/ports/libfdt/,fdt.c fdt_check.c fdt_ro.c)
$(foreach s,$(FDT_SOURCES) $(wildcard boot/fdt/*.c),$(eval FLAGS_$s += $(FDT_FLAGS)))
$(FDT_SOURCES): build/ports/libfdt/.stamp ;
FDT_USED := $(filter boot/fdt,$(BOOT_$(ARCH)))
KERNEL_SOURCES += $(if $(FDT_USED),$(FDT_SOURCES))
KERNEL_OBJECTS := $(call objects,kernel,$(KERNEL_SOURCES))
KERNEL_SCRIPT  := kernel/arch/$(ARCH)/kernel.ld
$(eval $(call compile,kernel,$(KERNEL_FLAGS),$(KERNEL_OBJECTS)))
$(if $(FDT_USED),$(eval $(KERNEL_OBJECTS): | build/ports/libfdt/.stamp))
$(OUT)/gen/kernel/syscall_decode.c: $(GEN) ;
# Offsets that assembly uses: offsets.c is compiled to assembly, which states them.
OFFSETS := $(OUT)/obj/kernel/kernel/arch/$(ARCH)/offsets.c
$(OFFSETS).s: kernel/arch/$(ARCH)/offsets.c Makefile | $(GEN)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -flto=full -g,$(KERNEL_FLAGS)) -S $< -o $@
$(OUT)/gen/offsets.h: $(OFFSETS).s
	$(Q)sed -n 's/.*->\([A-Za-z0-9_]* [0-9]*\).*/#define \1/p' $< > $@
-include $(OFFSETS).d
$(filter %.S.o,$(KERNEL_OBJECTS)): $(OUT)/gen/offsets.h
$(OUT)/kernel.elf: $(KERNEL_OBJECTS) $(KERNEL_SCRIPT)
	@echo "  LINK  $@"
	$(Q)$(LD) $(LINK_FLAGS_ALL) -mllvm -inline-threshold=40 \
		-T $(KERNEL_SCRIPT) $(KERNEL_OBJECTS) -o $@
# The same as flat bytes, with the header that firmware looks for at its start.
$(OUT)/kernel.image: $(OUT)/kernel.elf
	$(Q)llvm-objcopy$(LLVM) -O binary $< $@

include mk/boot.mk

# --- the library of all components
LIB_OBJECTS := $(call objects,lib,$(call whole,$(patsubst %/,%,$(wildcard lib/*/))))
$(eval $(call compile,lib,$(USER_FLAGS),$(LIB_OBJECTS)))
$(OUT)/libkochab.a: $(LIB_OBJECTS)
	@rm -f $@.$$$$; $(AR) rcsD $@.$$$$ $^ && mv $@.$$$$ $@

# --- components
FOLDERS := $(sort $(patsubst %/,%,$(dir $(wildcard drivers/*/*/*.c services/*/*.c \
	personalities/*/*.c apps/*/*.c examples/*/*.c))))
COMPONENTS := $(notdir $(FOLDERS))
$(foreach n,$(sort $(COMPONENTS)),$(if $(filter 1,$(words $(filter $n,$(COMPONENTS)))),,\
	$(error two components are named $n)))
define component
SOURCES := $(call whole,$1) $(call code,$(filter-out $1/arch,$(patsubst %/,%,$(wildcard $1/*/))))
FLAGS :=
LINK_FLAGS :=
PORTS :=
$(if $(wildcard $1/component.mk),include $1/component.mk)
$2_OBJECTS := $$(call objects,$2,$$(SOURCES))
$2_SCRIPT := $(or $(wildcard $1/link.ld),lib/sys/user.ld)
$2_LINK_FLAGS := $$(LINK_FLAGS)
$$(eval $$(call compile,$2,$(USER_FLAGS) $$(FLAGS),$$($2_OBJECTS)))
$$($2_OBJECTS): $(wildcard $1/component.mk) $$(PORTS:%=build/ports/%/.stamp)
$$(foreach p,$$(PORTS),$$(foreach e,c h,$$(eval build/ports/$$p/%.$$e: build/ports/$$p/.stamp ;)))
$(OUT)/$2.elf: $$($2_OBJECTS) $(OUT)/libkochab.a $$($2_SCRIPT)
	@echo "  LINK  $$@"
	$(Q)$(LD) $(LINK_FLAGS_ALL) --gc-sections -u _start $$($2_LINK_FLAGS) -T $$($2_SCRIPT) \
		$$($2_OBJECTS) $(OUT)/libkochab.a -o $$@
.PHONY: $2
$2: $(OUT)/$2.elf
endef
$(foreach d,$(FOLDERS),$(eval $(call component,$d,$(notdir $d))))
$(OUT)/stripped/%: $(OUT)/%.elf
	@mkdir -p $(@D)
	$(Q)$(STRIP) $< $@
build/ports/%/.stamp: ports/%/port.json
	$(PYTHON) tools/kochab.py port $*
	@touch $@

# --- the boot archive
STRIPPED := $(COMPONENTS:%=$(OUT)/stripped/%)
BUSYBOX  := build/ports/busybox/busybox$(if $(filter-out x86_64,$(ARCH)),-$(ARCH))
$(BUSYBOX): ports/busybox/port.json
	$(PYTHON) tools/kochab.py port --arch $(ARCH) busybox
	@touch $@
$(OUT)/boot.tar: $(STRIPPED) $(GEN) $(BUSYBOX) $(wildcard systems/base.sys) tools/mkarchive.py ports/busybox/folders.txt \
		$(shell find rootfs 2>/dev/null)
	@echo "  TAR   $@"
	$(Q)$(PYTHON) tools/mkarchive.py --output $@ --components $(STRIPPED) --manifest systems/base.sys \
		--manual $(OUT)/gen/man --busybox $(BUSYBOX) --folders ports/busybox/folders.txt --tree rootfs

.PHONY: all gen layout kernel check clean
all: $(OUT)/kernel.elf $(IMAGE) $(OUT)/boot.tar $(FIRST_STAGES)
gen: $(GEN)
kernel: $(OUT)/kernel.elf
check:
	$(PYTHON) tools/rooms.py
	tests/unit/rooms/run
	tests/unit/idlc/run
clean:
	rm -rf build/$(ARCH)-release* build/$(ARCH)-debug* build/host
include mk/host.mk
