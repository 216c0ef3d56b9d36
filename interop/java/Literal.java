// SPDX-License-Identifier: Apache-2.0

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.*;
import java.util.stream.Collectors;

/** The keys and values that Capture puts, and how its index spells them. Both are known to jcs/golden_test.go. */
final class Literal {
    private Literal() {
    }

    enum Level { LOW, HIGH { } }

    static Object[] keys() {
        return new Object[]{"cl\u00e9-\u6f22\u5b57-\ud83d\ude00", 7, 7L, (short) 7, (byte) 7, '7', true, 2.5, 2.5f, new Date(86400000), "a:b:1", "a:b:2", "a:c:1"};
    }

    static List<Object> values() {
        List<Object> list = new ArrayList<>(Arrays.asList("", "v\u00e4rde-\u20ac-\ud83d\ude00", "nul\0in", "\ud800", "\udc00\ud800x", "\uffff\ufffd\u007f\u0080\u07ff\u0800",
            "\u6f22".repeat(22000), 42, Integer.MIN_VALUE, Integer.MAX_VALUE, 9000000000L, Long.MIN_VALUE, 2.5, -0.0, Double.NaN, Double.MIN_VALUE, 1.5f, Float.NaN,
            (short) -300, (byte) -2, '\u20ac', true, false, new Date(86400000), new Date(-1), new byte[0], new int[]{1, -2, 3}, new String[]{"a", null},
            new Object[]{"a", 1, null}, new BigDecimal("2.50"), UUID.fromString("00000000-0000-0001-0000-000000000002"), Level.LOW, Level.HIGH, new Driver.Person("Ann"),
            new ArrayList<>(Arrays.asList("a", 2, null, new ArrayList<>())), new LinkedList<>(Arrays.asList("a", "b")), new ArrayDeque<>(Arrays.asList("a", "b")),
            Arrays.asList("a", "b"), Collections.emptyList(), Collections.singletonList("a"), new HashSet<>(Arrays.asList("a", "b")),
            new LinkedHashSet<>(Arrays.asList("b", "a")), new TreeSet<>(Arrays.asList("b", "a"))));
        byte[] b = new byte[300];
        for (int i = 0; i < b.length; i++) {
            b[i] = (byte) i;
        }
        list.add(b);
        for (Map<String, Object> m : Arrays.<Map<String, Object>>asList(new HashMap<>(), new LinkedHashMap<>(), new TreeMap<>(), new Hashtable<>())) {
            m.put("one", 1);
            m.put("two", "zwei");
            list.add(m);
        }
        Object shared = "shared";
        list.add(new ArrayList<>(Arrays.asList(shared, shared)));
        return list;
    }

    static String of(Object v) {
        if (v == null) {
            return "null";
        }
        if (v instanceof String) {
            return "s:" + text((String) v);
        }
        if (v instanceof Integer) {
            return "i:" + v;
        }
        if (v instanceof Long) {
            return "l:" + v;
        }
        if (v instanceof Short) {
            return "h:" + v;
        }
        if (v instanceof Byte) {
            return "y:" + v;
        }
        if (v instanceof Character) {
            return "c:" + (int) (Character) v;
        }
        if (v instanceof Boolean) {
            return "b:" + v;
        }
        if (v instanceof Double) {
            return "d:" + Long.toHexString(Double.doubleToRawLongBits((Double) v));
        }
        if (v instanceof Float) {
            return "f:" + Integer.toHexString(Float.floatToRawIntBits((Float) v));
        }
        if (v instanceof Date) {
            return "t:" + ((Date) v).getTime();
        }
        if (v instanceof byte[]) {
            StringBuilder s = new StringBuilder("x:");
            for (byte b : (byte[]) v) {
                s.append(String.format("%02x", b));
            }
            return s.toString();
        }
        if (v instanceof Object[]) {
            return "list(" + all(Arrays.asList((Object[]) v)) + ")";
        }
        if (v instanceof List || v instanceof ArrayDeque) {
            return "list(" + all((Collection<?>) v) + ")";
        }
        if (v instanceof Set) {
            return "set(" + all((Collection<?>) v) + ")";
        }
        if (v instanceof Map) {
            return "map(" + ((Map<?, ?>) v).entrySet().stream().map(e -> of(e.getKey()) + "=" + of(e.getValue())).collect(Collectors.joining(",")) + ")";
        }
        if (v instanceof Enum) {
            return "enum " + ((Enum<?>) v).name();
        }
        return "class " + v.getClass().getName();
    }

    private static String all(Collection<?> c) {
        return c.stream().map(Literal::of).collect(Collectors.joining(","));
    }

    /** Printable ASCII as it is, all else as its UTF-16 units; what is long as its length and hash. */
    private static String text(String s) {
        if (s.length() > 1000) {
            return "%" + s.length() + "#" + s.hashCode();
        }
        StringBuilder b = new StringBuilder();
        for (char c : s.toCharArray()) {
            b.append(c > ' ' && c < 0x7f && c != '%' && c != ',' ? String.valueOf(c) : String.format("%%%04x", (int) c));
        }
        return b.toString();
    }
}
