# Sparse Optima: data -> programs -> results -> figures -> paper.
#
# `make help` lists the targets.  Everything generated goes to $(BUILD); the only
# targets that touch a tracked file are `reference`, `reference-seeds` and `sync`.

BUILD ?= build
SEED ?= 1
ifneq ($(shell echo '$(SEED)' | awk '/^[1-9][0-9]*$$/ && $$0 <= 4294967295 {print "fine"}'),fine)
$(error SEED is a number from 1 to 4294967295, not '$(SEED)')
endif
SHELL = /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
export LC_ALL = C.UTF-8
export OPENBLAS_NUM_THREADS = 1

# As many jobs as there are processors; a -j on the command line comes later and wins.
# A make that is called by another shares its jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# ---------------------------------------------------------------------- setup
# `make setup all` installs first and then starts afresh, so that a parallel
# make cannot compile against libraries that are not there yet.
ifneq ($(filter setup,$(MAKECMDGOALS)),)
others := $(filter-out setup,$(MAKECMDGOALS))
.PHONY: setup $(others)
setup:
	@src/scripts/setup.sh src/scripts/packages.txt
	$(if $(others),@+$(MAKE) --no-print-directory $(others))
$(others): setup
	@:
else

# Dates and data sets, before anything is compared (a make that is called by another need not, nor one
# that has started again).
ifneq ($(and $(filter-out 0,$(MAKELEVEL)$(MAKE_RESTARTS)),$(wildcard $(BUILD)/reads.mk)),$(BUILD)/reads.mk)
prepared := $(shell src/scripts/prepare.sh $(BUILD) || echo failed)
ifneq ($(prepared),)
$(error src/scripts/prepare.sh: $(prepared))
endif
endif

.PHONY: all help clean programs results figures paper arxiv twice site verify review seeds why test reference reference-seeds sync install
all: programs figures paper site
	@echo 'every claim holds: $(BUILD)/paper.pdf, $(BUILD)/site/index.html'

help:
	@echo 'make setup          install the Debian packages that are missing'
	@echo 'make all            programs, results, figures, verification, $(BUILD)/paper.pdf, site'
	@echo 'make results        run every claim program (no TeX needed)'
	@echo 'make figures        draw every figure from the results (no TeX needed)'
	@echo 'make arxiv          $(BUILD)/sparse-optima-arxiv.tar.gz, which pdflatex alone typesets'
	@echo 'make twice          build the last commit in two directories and compare every byte'
	@echo 'make site           every claim as a page: $(BUILD)/site/index.html'
	@echo 'make verify         check every claim, and the results against results/'
	@echo 'make verify SEED=n  the same claims for another seed, 1 to 4294967295'
	@echo 'make claim-ID       run one claim: predicted, measured, verdict'
	@echo 'make review BUDGET=10m        as many claims as fit into the time'
	@echo 'make seeds COUNT=20           claims with new numbers for that many seeds; ANEW=1: all claims'
	@echo 'make why NUMBER=PROGRAM.KEY   where a number of the paper comes from'
	@echo 'make test           the test suite (CTest); TESTS="-L unit" selects'
	@echo 'make reference      replace what no longer agrees in results/, and sync'
	@echo 'make reference-seeds          make seeds, and accept the spread'
	@echo 'make sync           regenerate the claims table of REPRODUCE.md'
	@echo 'make install PREFIX=/usr/local  install the command line tools and the library'
	@echo 'make bench          the tools against scikit-learn (python3-sklearn), a quarter of an hour'
	@echo 'make bench-audit    ndl-check against a sparse co-occurrence product, some minutes'
	@echo 'make bench-train    ndl-train against PyTorch (python3-torch), some minutes'
	@echo 'make clean          remove $(BUILD)'
	@echo 'claims: $(or $(claim_ids),see REPRODUCE.md)'

clean:
	rm -rf $(BUILD)

# ------------------------------------------------------------------- programs
# Every file is written to a temporary name and renamed: a kill leaves nothing
# half-written that a later run would trust.
CFLAGS ?= -O2 -g
STRICT := -std=c17 -D_GNU_SOURCE -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion \
  -Wsign-conversion -Wdouble-promotion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
  -Wvla -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings -Werror=implicit-function-declaration
ifdef SANITIZE
CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
endif
CPPFLAGS := -Isrc
# Explicit and in this order: pkg-config would bring gslcblas, ten times slower.
LIBS := -Wl,--as-needed -lzip -lcjson -lmd -lgsl -lopenblas -lqhull_r -lglpk -lm -lpthread

# A folder decides.  Every claim and every tool src/tools/ndl-NAME.c is a program, src/registry/main.c
# is another; each other C file goes into the archive of its folder.  The linker takes from the
# archives what a program needs, and that is what its results depend on.
claims := $(patsubst src/claims/%.c,%,$(sort $(wildcard src/claims/*.c)))
tools := $(patsubst src/tools/%.c,%,$(sort $(wildcard src/tools/ndl-*.c)))
registry := $(BUILD)/bin/registry
registry_txt := src/claims/registry.txt
program_sources := $(claims:%=src/claims/%.c) $(tools:%=src/tools/%.c) src/registry/main.c
part_sources := $(filter-out $(program_sources),$(sort $(wildcard src/*/*.c src/*/*/*.c)))
rooms := $(sort $(notdir $(patsubst %/,%,$(dir $(part_sources)))))
archives := $(rooms:%=$(BUILD)/lib/lib%.a)
object = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(1))
version := $(BUILD)/obj/version.o

programs: $(claims:%=$(BUILD)/bin/%) $(tools:%=$(BUILD)/bin/%) $(registry)

# $(call keep,FILE): replaces FILE by FILE.new if that differs, else leaves its date.
keep = if cmp -s $(1).new $(1); then rm $(1).new; else mv $(1).new $(1); fi

# $(call need,COMMAND): says how to get a command that is missing.
need = command -v $(1) >/dev/null || \
  { echo "make: $(1) is not installed; 'make setup' installs everything that is missing" >&2; exit 1; }

# Another compiler or other flags rebuild everything.
$(BUILD)/flags: FORCE
	@$(call need,$(firstword $(CC)))
	@mkdir -p $(@D)
	@{ $(CC) --version; echo '$(STRICT) $(CFLAGS) $(CPPFLAGS) $(LIBS)'; } > $@.new && $(call keep,$@)

# Beside FILE.o stands FILE.id, the hash of what was compiled: the preprocessed text, without
# comments and line numbers.  It is rewritten only if it changes.
compile = $(CC) $(STRICT) $(CFLAGS) $(CPPFLAGS) -MMD -MP -MT $@ -MF $@.d.new -c $< -o $@.new && \
  $(CC) -E -P -DNDEBUG $(STRICT) $(CPPFLAGS) $< | tr -s '[:space:]' ' ' | sha256sum > $(@:.o=.id).new && \
  $(call keep,$(@:.o=.id)) && mv $@.d.new $(@:.o=.d) && mv $@.new $@
$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo 'cc $<'
	@$(compile)

# The commit, for --version and the colophon.
commit := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
$(BUILD)/version.c: FORCE
	@mkdir -p $(@D)
	@echo 'extern const char ndl_commit[]; const char ndl_commit[] = "$(commit)";' > $@.new && $(call keep,$@)
$(version): $(BUILD)/version.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(compile)

# $(call room,NAME): the archive of the folder NAME.
define room
$(BUILD)/lib/lib$(1).a: $(call object,$(foreach f,$(part_sources),$(if $(filter $(1),$(notdir $(patsubst %/,%,$(dir $(f))))),$(f))))
	@mkdir -p $$(@D)
	@rm -f $$@.new
	@ar rcs $$@.new $$^ && mv $$@.new $$@
endef
$(foreach name,$(rooms),$(eval $(call room,$(name))))

# The map names the members of the archives that the linker took.
define link
@mkdir -p $(@D) $(BUILD)/map
@echo 'link $@'
@$(CC) $(CFLAGS) -o $@.new -Wl,-Map=$(BUILD)/map/$(@F).new $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
  $(1) $(LIBS) && mv $(BUILD)/map/$(@F).new $(BUILD)/map/$(@F).map && mv $@.new $@
endef
$(claims:%=$(BUILD)/bin/%): $(BUILD)/bin/%: $(BUILD)/obj/claims/%.o $(version) $(archives)
	$(call link)
$(tools:%=$(BUILD)/bin/%): $(BUILD)/bin/%: $(BUILD)/obj/tools/%.o $(version) $(archives)
	$(call link)
$(registry): $(BUILD)/obj/registry/main.o $(version) $(BUILD)/lib/libregistry.a $(BUILD)/lib/libndl.a
	$(call link)

# The registry program prints for make which claims there are and what they need.  Make builds it and
# reads this file before anything else, but not for goals that have nothing to do with claims.
ifneq ($(filter-out help clean programs test-programs install bench bench-audit bench-train $(BUILD)/bin/% $(BUILD)/obj/% \
  $(BUILD)/lib/%,$(or $(MAKECMDGOALS),all)),)
$(BUILD)/registry.mk: $(registry) $(registry_txt)
	@$(registry) deps > $@.new && mv $@.new $@
include $(BUILD)/registry.mk
else
-include $(wildcard $(BUILD)/registry.mk)
endif

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: FORCE
FORCE:

# -------------------------------------------------------------------- results
# A result depends on what its program computes, not on how the source is commented: NAME.id is a
# hash of the .id files of all that is linked into the program, the flags and the data that it
# reads; it is rewritten only if it changes, and NAME.seen remembers when it was last computed.
results_dir := $(if $(filter 1,$(SEED)),$(BUILD)/results,$(BUILD)/seed-$(SEED)/results)
ids := $(claims:%=$(BUILD)/id/%)
include $(BUILD)/reads.mk
$(ids:=.seen): $(BUILD)/id/%.seen: $(BUILD)/bin/% $(BUILD)/reads.mk
	@mkdir -p $(@D)
	@src/scripts/fingerprint.sh $(BUILD) $* $(filter datasets/%,$^) > $(@:.seen=.id).new && \
	  $(call keep,$(@:.seen=.id)) && touch $@
$(ids:=.id): %.id: %.seen ;

# The program writes NAME.tsv last, so that this file vouches for its tables.
results := $(claims:%=$(results_dir)/%.tsv)
# The spread over many seeds takes too long for every build: it is committed and copied.
# `make reference-seeds` brings it up to date.
spread := $(patsubst results/%,$(results_dir)/%,$(wildcard results/seeds.tsv))
$(results_dir)/seeds.tsv: results/seeds.tsv results/seeds-checks.tsv
	@mkdir -p $(@D)
	@cp results/seeds-checks.tsv $(@D)
	@cp results/seeds.tsv $@.new && mv $@.new $@
results: $(results) $(spread)
$(results): $(results_dir)/%.tsv: $(BUILD)/id/%.id | $(BUILD)/bin/%
	@mkdir -p $(@D)
	@rm -f $(results_dir)/$*.* $(results_dir)/$*-*
	$(BUILD)/bin/$* --seed $(SEED) --data datasets --out $(results_dir)

# --------------------------------------------------------------- verification
# src/claims/registry.txt says what each claim expects.
references := $(sort $(wildcard results/*.tsv))
judge = $(registry) $(1) --results $(results_dir) $(if $(filter 1,$(SEED)),,--no-reference)

verify: $(registry) $(results) $(spread)
	@$(call judge,verify)

# claim-ID needs the results of its own program and of those it reads from.
.PHONY: $(claim_ids:%=claim-%)
$(foreach id,$(claim_ids),$(eval claim-$(id): $(programs_of.$(id):%=$(results_dir)/%.tsv)))
$(claim_ids:%=claim-%): claim-%: $(registry)
	@$(call judge,verify) $*
# Another name is an error, which names the claims.
claim-%: $(registry)
	@$(registry) verify $*

BUDGET ?= 10m
review: $(registry)
	@+BUILD=$(BUILD) MAKE='$(MAKE)' src/scripts/review.sh $(BUDGET)

# After `reference`, if both are asked for: two makes must not compute one result at a time.
COUNT ?= 20
seeds: $(registry) $(filter reference,$(MAKECMDGOALS))
	@+BUILD=$(BUILD) MAKE='$(MAKE)' ANEW='$(ANEW)' src/scripts/seeds.sh $(COUNT)

# Only the results of the number's own program are needed.
why: $(registry) $(filter $(results_dir)/$(firstword $(subst ., ,$(NUMBER) none)).tsv,$(results) $(spread))
	@$(registry) why '$(NUMBER)' --results $(results_dir)

# README.md shows results/panels.svg.
readme_figure := $(patsubst figures/%.gp,$(BUILD)/figures/%.svg,$(wildcard figures/panels.gp))
reference: $(registry) $(results) $(spread) $(readme_figure)
	@$(registry) accept --results $(results_dir)
	@for figure in $(readme_figure); do \
	  cmp -s $$figure results/$${figure##*/} && continue; \
	  cp $$figure results/$${figure##*/}.new && mv results/$${figure##*/}.new results/$${figure##*/} || exit 1; \
	  echo "results/$${figure##*/}: replaced"; done
	@$(registry) table --rewrite REPRODUCE.md

# Also where a claim does not hold for every seed: the table then says so.
reference-seeds: $(registry)
	@+BUILD=$(BUILD) MAKE='$(MAKE)' src/scripts/seeds.sh $(COUNT) || [ -s $(BUILD)/seeds/seeds.tsv ]
	@for file in seeds-checks.tsv seeds.tsv; do \
	  cp $(BUILD)/seeds/$$file results/$$file.new && mv results/$$file.new results/$$file || exit 1; done

sync: $(registry)
	$(registry) table --rewrite REPRODUCE.md

# -------------------------------------------------------------------- figures
# figures/NAME.gp begins with "load style", reads result files only and names them in lines "# reads FILE...".
# A result file belongs to the program whose name comes before the first '-'.
figures := $(patsubst figures/%.gp,%,$(filter-out figures/style.gp,$(sort $(wildcard figures/*.gp))))
figures: $(figures:%=$(BUILD)/figures/%.pdf) $(figures:%=$(BUILD)/figures/%.svg)

figure_programs = $(sort $(foreach f,$(shell sed -n 's/^\# reads //p' figures/$(1).gp),$(firstword $(subst -, ,$(f:.tsv=)))))
$(foreach f,$(figures),$(eval $(f:%=$(BUILD)/figures/%.pdf) $(f:%=$(BUILD)/figures/%.svg): \
  $(patsubst %,$(results_dir)/%.tsv,$(call figure_programs,$(f)))))

# gnuplot only warns about missing data, and a figure without its data is an error here; on a full disk
# it says nothing.
draw = gnuplot -d -e "style = 'figures/style.gp'; results = '$(results_dir)'; out = '$@.new'" $< 2> $@.log && \
  ! grep -i -e warning -e error $@.log && src/scripts/whole.sh $@.new && mv $@.new $@ || { cat $@.log >&2; echo "$<: gnuplot failed" >&2; exit 1; }
$(BUILD)/figures/%.pdf: figures/%.gp figures/style.gp
	@$(call need,gnuplot)
	@mkdir -p $(@D)
	@$(draw)
# Text as outlines, so that a page shows the same wherever it is read.
$(BUILD)/figures/%.svg: $(BUILD)/figures/%.pdf src/scripts/svg.sh
	@$(call need,pdftocairo)
	@src/scripts/svg.sh $< $@.new && src/scripts/whole.sh $@.new && mv $@.new $@

# ----------------------------------------------------------------------- site
# A page per claim program: its comments as text, its code, figures and verdicts.  Prose
# changes a page and recomputes nothing.  Failed claims are shown as failed.
pages := $(claims) index reproduce datasets $(if $(wildcard src/tools/AUDIT.md),audit)
page_files := $(pages:%=$(BUILD)/site/%.html)
site: $(page_files) $(BUILD)/site/style.css

# A page shows its program's figures, and the results that its claims read from others.
$(foreach p,$(claims),$(eval $(BUILD)/site/$(p).html: src/claims/$(p).c $(BUILD)/results/$(p).tsv \
  $(figures_of.$(p):%=$(BUILD)/figures/%.svg) $(reads_of.$(p):%=$(BUILD)/results/%.tsv)))
$(BUILD)/site/index.html: $(claims:%=$(BUILD)/site/%.html) REPRODUCE.md datasets/README.md $(wildcard src/tools/AUDIT.md)
$(BUILD)/site/reproduce.html: REPRODUCE.md
$(BUILD)/site/datasets.html: datasets/README.md
$(BUILD)/site/audit.html: src/tools/AUDIT.md
$(claims:%=$(BUILD)/site/%.html): $(sort $(wildcard paper/sections/*.tex))
$(page_files): $(BUILD)/site/%.html: $(filter-out %.css,$(wildcard src/site/*)) $(registry_txt) $(registry)
	@$(call need,pandoc)
	@mkdir -p $(@D)
	@echo 'page $@'
	@src/site/site.sh $(BUILD) $* $(sort $(figures_of.$*))
$(BUILD)/site/style.css: src/site/style.css
	@mkdir -p $(@D)
	@cp $< $@.new && mv $@.new $@

# ---------------------------------------------------------------------- paper
# numbers.tex exists only if every claim holds and every result agrees with
# results/: there is no way to a PDF around the verification.
paper: $(BUILD)/paper.pdf
tex_sources := $(sort $(wildcard paper/*.tex paper/*.sty paper/*.bib paper/sections/*.tex))

$(BUILD)/paper/numbers.tex: $(registry_txt) $(results) $(spread) $(references) | $(registry)
	@mkdir -p $(@D)
	@$(registry) macros --results $(BUILD)/results --out $@ || { rm -f $@ $(BUILD)/paper.pdf; exit 1; }
$(BUILD)/paper/versions.tex: FORCE
	@$(call need,pdflatex)
	@mkdir -p $(@D)
	@CC='$(CC)' src/scripts/versions.sh $(commit) > $@.new && $(call keep,$@)
# The pieces of source that the paper quotes, cut at "[anchor:NAME]" and "[end:NAME]".
$(BUILD)/paper/anchors: src/scripts/anchors.awk $(sort $(wildcard src/*/*.[ch] src/*/*/*.[ch]))
	@rm -rf $@ $@.new
	@mkdir -p $@.new
	@awk -v out=$@.new -f $^ && touch $@.new && mv $@.new $@

# The date in the PDF is that of the commit, so that one commit gives one PDF.
commit_date = $$(git log -1 --format=%ct 2>/dev/null || echo 0)
$(BUILD)/paper.pdf: $(tex_sources) $(BUILD)/paper/numbers.tex $(BUILD)/paper/versions.tex $(BUILD)/paper/anchors \
  $(figures:%=$(BUILD)/figures/%.pdf)
	@SOURCE_DATE_EPOCH=$(commit_date) src/scripts/latex.sh paper $(BUILD)

# One archive from which pdflatex alone makes the same paper.
arxiv: $(BUILD)/sparse-optima-arxiv.tar.gz
$(BUILD)/sparse-optima-arxiv.tar.gz: $(BUILD)/paper.pdf src/scripts/arxiv.sh
	@SOURCE_DATE_EPOCH=$(commit_date) src/scripts/arxiv.sh paper $(BUILD) $@
	@echo '$@'

# The last commit, built in two directories, must give the same bytes.
twice:
	@+MAKE='$(MAKE)' src/scripts/twice.sh $(BUILD)

# ---------------------------------------------------------------------- tests
# tests/unit_*.c and property_*.c are cmocka programs, tests/cli_*.sh shell
# scripts; the prefix is the CTest label.  (Other *.c are helpers of the scripts.)
# The sanitizer run is the same programs built once more, in $(BUILD)/sanitize.
test_programs := $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/*.c)))
.PHONY: test-programs
test-programs: $(test_programs)
$(BUILD)/obj/tests/%.o: tests/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo 'cc $<'
	@$(compile)
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(version) $(archives)
	$(call link,-lcmocka)

# A program that does not compile or run fails its own cases, not the whole run.
test: $(registry)
	@$(call need,ctest)
	-@+$(MAKE) --no-print-directory -k programs results test-programs paper site
	-@+$(MAKE) --no-print-directory -k test-programs SANITIZE=1 BUILD=$(BUILD)/sanitize
	@tests/ctest.sh $(BUILD)
	cd $(BUILD)/tests && ctest --output-on-failure -j2 $(TESTS)

# -------------------------------------------------------------------- install
PREFIX ?= /usr/local
manuals := $(sort $(wildcard src/tools/man/*.1))
bash_completions := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
# A header of libndl that is installed says "(public)" at its top.
public_headers = $(shell grep -l '(public)' src/ndl/*.h)
install: $(tools:%=$(BUILD)/bin/%) $(BUILD)/lib/libndl.a
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(bash_completions)
	install -d $(DESTDIR)$(PREFIX)/include/ndl $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install $(tools:%=$(BUILD)/bin/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(public_headers) $(DESTDIR)$(PREFIX)/include/ndl
	install -m 644 $(BUILD)/lib/libndl.a $(DESTDIR)$(PREFIX)/lib
	sed 's|@PREFIX@|$(abspath $(PREFIX))|; s|@VERSION@|$(commit)|' src/ndl/ndl.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/ndl.pc
	install -m 644 $(manuals) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 src/tools/completion.bash $(bash_completions)/ndl
	for tool in $(tools); do ln -sf ndl $(bash_completions)/$$tool; done

# ---------------------------------------------------------------------- bench
# The tools against scikit-learn on this machine, in one run: tables and figure in $(BUILD)/bench.
# WORKLOADS="tiny medium" leaves out the large one.
WORKLOADS ?= tiny medium large
.PHONY: bench bench-audit bench-train
# ndl-check against scipy's co-occurrence product at 1,000,000 x 16,384; 800 MB of disk, 4 GB of memory.
bench-audit: $(BUILD)/bin/ndl-check
	@mkdir -p $(BUILD)/bench
	/usr/bin/python3 src/bench/audit.py $< $(BUILD)/bench
bench-train: $(BUILD)/bin/ndl-train
	@/usr/bin/python3 -c 'import torch' 2>/dev/null || \
	  { echo 'make bench-train: needs python3-torch (apt-get install python3-torch)' >&2; exit 1; }
	@mkdir -p $(BUILD)/bench
	/usr/bin/python3 src/bench/train.py $< $(BUILD)/bench
bench: $(BUILD)/bin/ndl-fit $(BUILD)/bin/ndl-encode
	@/usr/bin/python3 -c 'import sklearn' 2>/dev/null || \
	  { echo 'make bench: needs python3-sklearn (apt-get install python3-sklearn)' >&2; exit 1; }
	/usr/bin/python3 src/bench/workloads.py $(BUILD)/bench $(WORKLOADS)
	/usr/bin/python3 src/bench/bench.py $(BUILD) $(WORKLOADS)
	gnuplot -d -e "dir = '$(BUILD)/bench'; workloads = '$(WORKLOADS)'" src/bench/bench.gp

endif
