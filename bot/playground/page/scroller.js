// Keeps a list of messages at its end, or where it was scrolled to, whatever is added to it.
const NEAR = 48; // pixels from the end that still count as being there

export default {
  template: `
    <div class="scroller">
      <div class="scroller-box" ref="box" tabindex="0" role="region" :aria-label="label"
           @scroll.passive="scrolled" @click="clicked">
        <div class="scroller-inner" ref="inner"><slot></slot></div>
      </div>
      <button v-if="!atEnd" type="button" class="to-end" @click="toEnd">
        {{ hasNew ? "New messages" : "To the newest" }} <span aria-hidden="true">↓</span>
      </button>
    </div>
  `,
  props: { label: String },
  emits: ["end"],
  data() {
    return { atEnd: true, hasNew: false };
  },
  mounted() {
    this.height = 0;
    this.kept = null;
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.$refs.inner);
    this.observer.observe(this.$refs.box);
    this.toEnd();
  },
  beforeUnmount() {
    this.observer.disconnect();
  },
  methods: {
    scrolled() {
      const box = this.$refs.box;
      // A box that shrinks reports a scroll before its resize; only people move away from the end.
      if (this.atEnd && box.scrollHeight !== this.height) return;
      if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) this.arrived();
      else this.atEnd = false;
    },
    resized() {
      const box = this.$refs.box;
      if (this.kept !== null && box.scrollHeight !== this.kept.height) {
        // Earlier messages were put above: what was in view stays in view.
        box.scrollTop = this.kept.top + box.scrollHeight - this.kept.height;
        this.kept = null;
      } else if (this.atEnd) {
        box.scrollTop = box.scrollHeight;
      } else if (box.scrollHeight > this.height) {
        this.hasNew = true;
      }
      this.height = box.scrollHeight;
    },
    clicked(event) {
      if (!event.target.closest("[data-earlier]")) return;
      this.kept = { height: this.$refs.box.scrollHeight, top: this.$refs.box.scrollTop };
    },
    arrived() {
      this.hasNew = false;
      if (this.atEnd) return;
      this.atEnd = true;
      this.$emit("end");
    },
    toEnd() {
      const box = this.$refs.box;
      this.arrived();
      this.height = box.scrollHeight;
      box.scrollTop = box.scrollHeight;
    },
  },
};
