# yagura -- one Makefile, no configure step.
#
#	make            build/yagura and build/yagurad
#	make demo       install what is missing, build, and show it at work
#	make check      install what is missing, build, and run every test
#	make lint       floors, warnings as errors, format of man pages
#	make asan tsan  the same tests under sanitizers, in build/asan, build/tsan
#	make fuzz       every fuzz target for FUZZ_SECONDS (60) each
#	make bench      events per CPU-second of every stage, rsyslog beside it
#	make install    below DESTDIR and PREFIX

BUILD	?= build
SAN	?=
CC	?= gcc
PREFIX	?= /usr
SYSCONF	?= /etc
FUZZ_SECONDS ?= 60
VERSION	:= 0.1.0

# The floors, from the ground up; the order of linking is the reverse.
FLOORS	:= engine parsers storage correlation tools

variant	 = $(if $(filter build,$(BUILD)),,-$(notdir $(BUILD)))
san	 = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer,)

WARN	:= -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wcast-qual -Wformat=2 \
	   -Wmissing-prototypes -Wstrict-prototypes -Wundef
HARDEN	:= -fstack-protector-strong -fPIE -fcf-protection=full \
	   $(if $(SAN),,-D_FORTIFY_SOURCE=2)
OPT	?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE -DYAGURA_VERSION='"$(VERSION)"'
CFLAGS	+= -std=c11 $(OPT) $(WARN) $(HARDEN) $(san) -pthread
LDFLAGS	+= $(san) -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack
LDLIBS	:= -levent -levent_pthreads -lpcre2-8 -lsqlite3 -lmaxminddb -lz \
	   -lzstd -lyaml -lcrypto -lm

# --- sources are found by folder ------------------------------------------
mains	:= tools/yagura.c tools/yagurad.c
src	= $(filter-out $(mains),$(wildcard $(1)/*.c))
objs	= $(patsubst %.c,$(BUILD)/%.o,$(call src,$(1)))
archive	= $(BUILD)/lib$(1).a

# $(call below,storage): the archives a floor may link, itself first.
below_engine	  := engine
below_parsers	  := parsers engine
below_storage	  := storage engine
below_correlation := correlation storage engine
below_tools	  := tools correlation storage parsers engine
below_scenario	  := $(below_tools)
libs	= $(foreach f,$(below_$(1)),$(call archive,$(f)))

programs := $(BUILD)/yagura$(variant) $(BUILD)/yagurad$(variant)

.PHONY: all
all: $(programs)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define floor_rule
$(call archive,$(1)): $(call objs,$(1))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach f,$(FLOORS),$(eval $(call floor_rule,$(f))))

$(BUILD)/yagura$(variant): $(BUILD)/tools/yagura.o $(call libs,tools)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/yagurad$(variant): $(BUILD)/tools/yagurad.o $(call libs,tools)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- unit tests: one program a file, linked with its floor and those below --
define unit_rules
unit_$(1) := $$(patsubst tests/unit/$(1)/%.c,$(BUILD)/unit/$(1)/%,\
	$$(wildcard tests/unit/$(1)/test_*.c))
$(BUILD)/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $$(call libs,$(1))
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcmocka
.PHONY: unit-$(1)
unit-$(1): $$(unit_$(1))
	@tests/run-unit $$^
endef
$(foreach f,$(FLOORS),$(eval $(call unit_rules,$(f))))
unit	:= $(foreach f,$(FLOORS),$(unit_$(f)))

# --- fuzz targets: clang's libFuzzer, over all floors ----------------------
fuzz	:= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

-include Makefile.checks

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
