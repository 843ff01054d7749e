# yagura -- one Makefile, no configure step.
#
#	make            build/yagura and build/yagurad
#	make demo       install what is missing, build, and show it at work
#	make check      install what is missing, build, and run every test
#	make lint       floors, warnings as errors, format of man pages
#	make asan tsan  the same tests under sanitizers, in build/asan, build/tsan
#	make fuzz       every fuzz target for FUZZ_SECONDS (60) each
#	make fmt        the style on changed lines
#	make bench      events per CPU-second of every stage, rsyslog beside it
#	make bench-corpus  what lines of many makers take on disk
#	make bench-parse  parse alone, syslog-ng and mmnormalize beside it
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
# What a sanitizer finds ends the program, so that a test cannot overlook it.
san	 = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
	   -fno-sanitize-recover=all,)

WARN	:= -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wcast-qual -Wformat=2 \
	   -Wmissing-prototypes -Wstrict-prototypes -Wundef
HARDEN	:= -fstack-protector-strong -fPIE -fcf-protection=full \
	   $(if $(SAN),,-D_FORTIFY_SOURCE=2)
OPT	?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE -DYAGURA_VERSION='"$(VERSION)"'
CFLAGS	+= -std=c11 $(OPT) $(WARN) $(HARDEN) $(san) $(WERROR) -pthread
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

# Objects of tests are kept: they are built once.
.SECONDARY:

.PHONY: all
all: $(programs)

# `make V=1` shows the commands.
Q	:= $(if $(V),,@)
say	 = $(if $(V),,@echo "  $(1)")

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define floor_rule
$(call archive,$(1)): $(call objs,$(1))
	@rm -f $$@
	$$(call say,ar $$@)
	$$(Q)ar rcs $$@ $$^
endef
$(foreach f,$(FLOORS),$(eval $(call floor_rule,$(f))))

$(BUILD)/yagura$(variant): $(BUILD)/tools/yagura.o $(call libs,tools)
	$(call say,ld $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/yagurad$(variant): $(BUILD)/tools/yagurad.o $(call libs,tools)
	$(call say,ld $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- unit tests: one program a file, linked with its floor and those below --
define unit_rules
unit_$(1) := $$(patsubst tests/unit/$(1)/%.c,$(BUILD)/unit/$(1)/%,\
	$$(wildcard tests/unit/$(1)/test_*.c))
$(BUILD)/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $$(call libs,$(1))
	@mkdir -p $$(@D)
	$$(call say,ld $$@)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcmocka
.PHONY: unit-$(1)
unit-$(1): $$(unit_$(1))
	@tests/run-unit $$^
endef
$(foreach f,$(FLOORS),$(eval $(call unit_rules,$(f))))
unit	:= $(foreach f,$(FLOORS),$(unit_$(f)))

# --- fuzz targets: clang's libFuzzer, over all floors ----------------------
fuzz	:= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

# --- packages, tests, lint, demo -------------------------------------------
DEPS	:= gcc libc6-dev libevent-dev libpcre2-dev libsqlite3-dev \
	   libmaxminddb-dev zlib1g-dev libzstd-dev libyaml-dev libssl-dev
DEPS_CHECK := $(DEPS) libcmocka-dev python3
DEPS_LINT  := $(DEPS) mandoc
DEPS_FUZZ  := $(DEPS) clang llvm
DEPS_BENCH := $(DEPS) python3 rsyslog

.PHONY: deps check check-long lint demo asan tsan bench bench-parse cover install fmt
deps:
	@tools/install-deps $(DEPS)

# Packages come first: a bare machine has no compiler yet.
demo:
	@tools/install-deps $(DEPS)
	@$(MAKE) --no-print-directory -j2 all
	@BUILD=$(BUILD) tools/demo

check:
	@tools/install-deps $(DEPS_CHECK)
	@$(MAKE) --no-print-directory -j2 all $(unit) $(replay) \
	    $(BUILD)/scenario/story
	@BUILD=$(BUILD) VARIANT=$(variant) tests/check $(unit)

check-long: check asan tsan fuzz
	@BUILD=$(BUILD) tests/kill-test 20
	@YAGURA=$(BUILD)/yagura LINES=500000 PUBLIC=50 tests/hunt-check
	@DAMAGES=1000 $(BUILD)/unit/storage/test_damage
	@tests/query-diff --yagura $(BUILD)/yagura --queries 1000
	@SCAN_LIVE_SEARCHES=1000 $(BUILD)/unit/storage/test_scan_live
	@$(MAKE) --no-print-directory $(BUILD)/bench/bench_correlate
	@$(BUILD)/bench/bench_correlate flood
	@MATCH_ORACLE_ROUNDS=4000 tests/run-unit \
	    $(BUILD)/unit/correlation/test_match_oracle
	@ORACLE_SEEDS=10000 $(BUILD)/unit/correlation/test_oracle
	@tests/equal-alerts --build $(BUILD) --events 60000

lint:
	@tools/install-deps $(DEPS_LINT)
	@tests/lint
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/lint OPT=-O1 \
	    WERROR=-Werror all

asan:
	@$(MAKE) --no-print-directory BUILD=build/asan SAN=address,undefined \
	    check
tsan:
	@$(MAKE) --no-print-directory BUILD=build/tsan SAN=thread check

fmt:
	@tools/install-deps clang-format
	@git diff -U0 --no-color HEAD -- '*.c' '*.h' | \
	    clang-format-diff -p1 -i

# --- fuzz ------------------------------------------------------------------
# `make check` replays the corpora with gcc; `make fuzz` searches with clang.
replay	:= $(patsubst %,$(BUILD)/replay/%,$(fuzz))

$(BUILD)/replay/%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o \
    $(call libs,tools)
	@mkdir -p $(@D)
	$(call say,ld $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: fuzz $(addprefix fuzz-,$(fuzz))
fuzz:
	@tools/install-deps $(DEPS_FUZZ)
	@$(MAKE) --no-print-directory CC=clang BUILD=build/fuzz \
	    SAN=address,undefined "OPT=-O1 -g -fsanitize=fuzzer-no-link" \
	    $(addprefix fuzz-,$(fuzz))
fuzz_objs = $(foreach f,$(below_tools),$(call objs,$(f)))
$(addprefix fuzz-,$(fuzz)): fuzz-%: $(BUILD)/tests/fuzz/fuzz_%.o \
    $(call libs,tools)
	@mkdir -p $(BUILD)/found tests/fuzz/corpus/$*
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $(BUILD)/fuzz_$* $^ $(LDLIBS)
	$(BUILD)/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
	    -rss_limit_mb=2048 -max_len=65536 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=$(BUILD)/found/$*- \
	    $(BUILD)/found/ tests/fuzz/corpus/$* 2>$(BUILD)/fuzz_$*.log || \
	    { tail -n 40 $(BUILD)/fuzz_$*.log; exit 1; }
	@grep -h 'number_of_executed\|new_units_added' $(BUILD)/fuzz_$*.log

# --- scenarios: stories played through the whole path ------------------------
$(BUILD)/scenario/story: $(BUILD)/tests/scenario/story.o $(call libs,tools)
	@mkdir -p $(@D)
	$(call say,ld $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- bench -----------------------------------------------------------------
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(call libs,storage)
	@mkdir -p $(@D)
	$(call say,ld $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/bench/bench_correlate: $(BUILD)/tests/bench/bench_correlate.o \
    $(call libs,tools)
	@mkdir -p $(@D)
	$(call say,ld $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench:
	@tools/install-deps $(DEPS_BENCH)
	@$(MAKE) --no-print-directory -j2 all $(BUILD)/bench/bench_store \
	    $(BUILD)/bench/bench_correlate
	@BUILD=$(BUILD) tests/bench/run
	@BUILD=$(BUILD) VARIANT=$(variant) tests/bench/match

# EVENTS, ROUNDS, PEERS, KEEP and STRICT: see the script.
.PHONY: bench-corpus
bench-corpus: all
	@BUILD=$(BUILD) tests/bench/corpus-size

.PHONY: bench-search
bench-search:
	@tools/install-deps $(DEPS_BENCH) ripgrep zstd
	@$(MAKE) --no-print-directory -j2 all
	@BUILD=$(BUILD) tests/bench/search

# PEERS names a folder into which packages of syslog-ng were unpacked.
$(BUILD)/bench/count_alloc.so: tests/bench/count_alloc.c
	@mkdir -p $(@D)
	$(call say,ld $@)
	$(Q)$(CC) -O2 -shared -fPIC -o $@ $<

bench-parse:
	@tools/install-deps $(DEPS_BENCH)
	@$(MAKE) --no-print-directory -j2 all $(BUILD)/bench/count_alloc.so
	@BUILD=$(BUILD) tests/bench/parse

cover:
	@$(MAKE) --no-print-directory BUILD=build/cover \
	    "OPT=-O0 -g --coverage" check
	@cd build/cover && find . -name '*.gcda' -path './[eps]*' | \
	    xargs gcov -n 2>/dev/null | \
	    awk '/^File .(engine|parsers|storage|correlation)/ { f = $$2 } \
	    /^Lines executed/ && f { print $$2, $$4, f; f = "" }' FS='[: ]' | sort

compile_commands.json:
	@tools/install-deps bear
	bear -- $(MAKE) -B all

# --- install ---------------------------------------------------------------
man	:= $(wildcard man/*.[1-8]) $(BUILD)/yagura-fields.7

$(BUILD)/yagura-fields.7: engine/field.def engine/field_alias.def \
    tools/make-fields-page
	@mkdir -p $(@D)
	tools/make-fields-page engine/field.def engine/field_alias.def >$@

install: all $(BUILD)/yagura-fields.7
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin \
	    $(DESTDIR)$(PREFIX)/share/yagura $(DESTDIR)$(SYSCONF)/yagura \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 755 $(BUILD)/yagura $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/yagurad $(DESTDIR)$(PREFIX)/sbin/
	cp -R rules.d $(DESTDIR)$(PREFIX)/share/yagura/
	install -d $(DESTDIR)$(PREFIX)/share/yagura/tools
	cp -R tools/report $(DESTDIR)$(PREFIX)/share/yagura/tools/
	install -d $(DESTDIR)$(PREFIX)/share/yagura/parsers
	cp -R parsers/defs $(DESTDIR)$(PREFIX)/share/yagura/parsers/
	[ -f $(DESTDIR)$(SYSCONF)/yagura/yagura.yaml ] || install -m 644 \
	    tools/packaging/yagura.yaml $(DESTDIR)$(SYSCONF)/yagura/
	install -D -m 644 tools/packaging/yagura.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/yagura
	install -m 644 tools/packaging/*.service tools/packaging/*.timer \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/
	for page in $(man); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
