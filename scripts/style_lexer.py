"""What the style check needs to know of C++: code without comments and literals, functions, coroutine statements."""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)
TRANSPARENT = re.compile(r'^(?:inline\s+)?(?:namespace|class|struct|union|extern)\b')
LEADING = re.compile(r'^\s*(?:template\s*<[^{};]*?>\s*(?=\S)|\[\[[^\]]*\]\]\s*|(?:static|constexpr|inline|export)\s+)+')
CONDITION = re.compile(r'\b(?:if|while|switch|for)\s*(?:constexpr\s*)?$')


@dataclass
class Function:
    """A function's first and last line, counted from one, and the text before its body."""

    first: int
    last: int
    head: str

    @property
    def lines(self):
        return self.last - self.first + 1


def blank(text):
    """The same number of lines and columns, without the characters."""
    return re.sub(r'[^\n]', ' ', text)


def code_only(text):
    """Comments become blanks; literals keep their quotes, except in #include lines, which stay whole."""

    def replace(match):
        token = match.group(0)
        if token.startswith('/'):
            return blank(token)
        line_start = text.rfind('\n', 0, match.start()) + 1
        if re.match(r'\s*#\s*include\b', text[line_start:match.start()]):
            return token
        return token[0] + blank(token[1:-1]) + token[-1]

    return TOKEN.sub(replace, text)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def without_directives(code):
    return re.sub(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', lambda match: blank(match.group(0)), code, flags=re.MULTILINE)


def outside_parentheses(head):
    kept, depth = [], 0
    for char in head:
        depth += (char == '(') - (char == ')')
        if depth == 0 and char != ')':
            kept.append(char)
    return ''.join(kept)


def is_function_head(head):
    if '(' not in head or TRANSPARENT.match(LEADING.sub('', head.strip() + ' ')):
        return False
    return 'operator' in head or '=' not in outside_parentheses(head)


def is_transparent_head(head):
    return bool(TRANSPARENT.match(LEADING.sub('', head.strip() + ' ')))


def matching_brace(code, start):
    depth = 0
    for position in range(start, len(code)):
        depth += (code[position] == '{') - (code[position] == '}')
        if depth == 0:
            return position
    return len(code) - 1


def functions(code):
    """Every function body outside other functions. `code` comes from code_only."""
    code = without_directives(code)
    found, head_start, position = [], 0, 0
    while position < len(code):
        char = code[position]
        if char in ';}':
            head_start = position + 1
        elif char == '{':
            head = code[head_start:position]
            if is_transparent_head(head):
                head_start = position + 1
            else:
                position = matching_brace(code, position)
                # A member initializer such as a_{x} is followed by the next one or by the body.
                if re.match(r'\s*[,{]', code[position + 1:]):
                    position += 1
                    continue
                if is_function_head(head):
                    found.append(make_function(code, head_start, position, head))
                head_start = position + 1
        position += 1
    return found


def make_function(code, head_start, end, head):
    first = head_start + len(head) - len(head.lstrip())
    return Function(line_of(code, first), line_of(code, end), ' '.join(head.split()))


def awaits(code):
    """Yields (line, complaint) for each co_await that g++ 12 may compile wrongly."""
    for match in re.finditer(r'\bco_await\b', code):
        start = max(code.rfind(mark, 0, match.start()) for mark in ';{}') + 1
        end = code.find(';', match.end())
        end = len(code) if end < 0 else end
        before, statement = code[start:match.start()], code[start:end]
        line = line_of(code, match.start())
        if in_condition(before):
            yield line, 'co_await inside a condition; name its result first'
        elif re.search(r'[{\[?]', code[match.end():end]) or re.search(r'[\[?]', before):
            yield line, 'co_await in a statement with {, [ or ?; name every argument first'
        elif len(re.findall(r'\bco_await\b', statement)) > 1:
            yield line, 'more than one co_await in a statement'


def in_condition(before):
    """Whether the text up to a co_await leaves the parenthesis of an if, while, switch or for open."""
    opened = []
    for position, char in enumerate(before):
        if char == '(':
            opened.append(bool(CONDITION.search(before[:position])))
        elif char == ')' and opened:
            opened.pop()
    return any(opened)
